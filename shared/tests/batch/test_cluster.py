"""On a cluster of two Ray nodes the same comes out as on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio.spec import ModelSpec

BIN = Path(sys.executable).parent
ROWS = 3_000


@pytest.fixture(scope="module")
def address(late: ModelSpec) -> Iterator[str]:
    """Two nodes of one core each, as processes of this machine on free ports."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for file in range(4):
        lines = [f"{file}-{row},{row % 9 + 1},2.5,{'red' if row % 100 else 'pink'}\n" for row in range(ROWS // 4)]
        (tmp_path / "in" / f"{file}.csv").write_text("id,pieces,weight,colour\n" + "".join(lines))
    return tmp_path / "in"


def score(rows: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "portfolio", "score", "toylate", "--input", rows, "--output", output, *options],
        check=False, capture_output=True, text=True, timeout=120, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip


def test_a_cluster_gives_the_same_files(address: str, rows: Path, tmp_path: Path) -> None:
    ended = score(rows, tmp_path / "ray.csv", "--engine", "ray", "--ray-address", address)
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False)
    assert score(rows, tmp_path / "local.csv").returncode == 3
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()
    lists = [(tmp_path / f"{name}.csv.rejected.jsonl").read_bytes() for name in ("ray", "local")]
    assert lists[0] == lists[1]
    assert not (tmp_path / "ray.csv.parts").exists()
    assert f"scored {ROWS - 32:,} of {ROWS:,} rows" in " ".join(ended.stdout.split())


def test_an_input_that_can_not_be_read_is_one_line_there_too(address: str, rows: Path, tmp_path: Path) -> None:
    (rows / "1.csv").write_text('id,pieces,weight,colour\n1,1,1,"red\n')
    ended = score(rows, tmp_path / "ray.csv", "--engine", "ray", "--ray-address", address)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {rows}/1.csv: a quote after byte 24 is never closed.")


def test_a_cluster_that_does_not_answer_is_one_line(late: ModelSpec, rows: Path, tmp_path: Path) -> None:
    ended = score(rows, tmp_path / "ray.csv", "--engine", "ray", "--ray-address", "127.0.0.1:9")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: No Ray cluster answers at 127.0.0.1:9")
