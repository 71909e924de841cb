"""`portfolio score` as people type it: what it prints, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from portfolio.batch.command import run_scoring
from portfolio.batch.inputs import ENDINGS
from portfolio.batch.job import Done, Job, Part
from portfolio.batch.plan import Order
from portfolio.batch.processes import on_processes
from portfolio.errors import DataError
from portfolio.spec import ModelSpec

BIN = Path(sys.executable).parent
GOOD = "pieces,weight,colour\n3,2.5,red\n"


def score(*arguments: str | Path, code: str = "") -> subprocess.CompletedProcess[str]:
    """The command with a toy project; `code` runs in its interpreter before it."""
    program = f"{code}\nimport sys\nfrom portfolio.cli import main\nsys.argv[0] = 'portfolio'\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program, "score", "toylate", *arguments] if code else
        [BIN / "portfolio", "score", "toylate", *arguments],
        check=False, capture_output=True, text=True, timeout=60, env=os.environ | {"NO_COLOR": "1", "COLUMNS": "150"},
    )  # fmt: skip


@pytest.fixture
def rows(late: ModelSpec, tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(GOOD)
    return tmp_path / "rows.csv"


def test_a_job_without_refusals_ends_with_a_summary_and_0(rows: Path, tmp_path: Path) -> None:
    ended = score("--input", rows, "--output", tmp_path / "scores.csv")
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = " ".join(ended.stdout.split())
    assert "model toylate 7" in shown
    assert "scored 1 of 1 rows" in shown
    assert str(tmp_path / "scores.csv") in shown
    assert "refused" not in shown


def test_a_job_with_refusals_ends_with_3_and_the_reasons(rows: Path, tmp_path: Path) -> None:
    rows.write_text(GOOD + "12,1,red\n" * 3 + "1,1,[/pink]\n")
    ended = score("--input", rows, "--output", tmp_path / "scores.csv")
    assert ended.returncode == 3
    shown = " ".join(ended.stdout.split())
    assert "refused 4 rows" in shown
    assert "3 x pieces: must be at most 9" in shown
    assert "1 x colour: must be one of red, blue" in shown


def test_the_rate_is_of_the_rows_that_this_run_scored(
    late: ModelSpec, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken_off(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
        yield from on_processes(job, parts, most=1)
        raise DataError("The power went.")

    rows.write_text(GOOD + "3,2.5,red\n" * 4)
    order = Order(spec=late, source=str(rows), output=tmp_path / "scores.csv")
    with pytest.raises(DataError, match="power"):
        run_scoring(order, broken_off)
    assert run_scoring(order, partial(on_processes, most=1)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "scored 5 of 5 rows, 0 of them now, in " in shown
    assert "(0 a second)" in shown


def test_help_names_the_list_of_refused_rows_and_every_ending() -> None:
    command = [BIN / "portfolio", "score", "--help"]
    wide = os.environ | {"NO_COLOR": "1", "COLUMNS": "150"}
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=wide).stdout
    assert "OUTPUT.rejected.jsonl" in shown
    assert "the same command goes on" in " ".join(shown.split())
    assert all(ending.removesuffix(".gz") in shown for ending in ENDINGS)


def test_a_job_that_can_not_be_done_ends_with_1_and_one_line(rows: Path, tmp_path: Path) -> None:
    ended = score("--input", rows, "--output", tmp_path / "scores[/x].pdf")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}/scores[/x].pdf is no known kind of file.")


def test_an_output_folder_that_can_not_be_written_is_one_line(rows: Path) -> None:
    ended = score("--input", rows, "--output", "/proc/scores.csv")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: /proc/scores.csv.parts: ")


@pytest.mark.parametrize(("package", "what"), [("pyarrow", "portfolio[batch]"), ("ray", "portfolio[ray]")])
def test_without_a_package_the_command_says_what_to_install(
    package: str, what: str, rows: Path, tmp_path: Path
) -> None:
    absent = f"""
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == {package!r} else real(name, *rest)
"""
    absent += "\nsys.modules['ray'] = None" if package == "ray" else ""
    ended = score("--input", rows, "--output", tmp_path / "scores.csv", "--engine", "ray", code=absent)
    assert ended.returncode == 1
    assert f"pip install '{what}'" in ended.stderr


def test_an_interpreter_that_scores_needs_no_training_libraries(rows: Path) -> None:
    heavy = """
import sys, portfolio.batch.worker
print(*{'sklearn', 'pandas', 'mlflow', 'lightgbm', 'ray', 'fastapi'} & {*sys.modules})
"""
    ended = subprocess.run([sys.executable, "-c", heavy], check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == ""
