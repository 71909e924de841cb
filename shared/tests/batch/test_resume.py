"""A job that is killed goes on where it was, on real processes; nothing half-written is taken for done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from portfolio.batch.flow import score
from portfolio.batch.job import Done, Job, Part
from portfolio.batch.join import Summary
from portfolio.batch.plan import Order
from portfolio.batch.processes import on_processes
from portfolio.errors import DataError
from portfolio.spec import ModelSpec

Score = Callable[..., Summary]
ROWS = 4_000
PART_BYTES = 2_000
RUN = """
import sys
from functools import partial
from pathlib import Path
from portfolio import terminal
from portfolio.batch.command import run_scoring
from portfolio.batch.plan import Order
from portfolio.batch.processes import on_processes
from portfolio.spec.projects import find_project

source, output, most = sys.argv[1:]
order = Order(spec=find_project("toylate"), source=source, output=Path(output), part_bytes=2_000)
terminal.run(lambda: run_scoring(order, partial(on_processes, most=int(most))))
"""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    lines = [f"{number},{number % 9 + 1},2.5,{'red' if number % 3 else 'pink'}\n" for number in range(ROWS)]
    (tmp_path / "rows.csv").write_text("id,pieces,weight,colour\n" + "".join(lines))
    return tmp_path / "rows.csv"


@pytest.fixture
def started(late: ModelSpec, rows: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run on two processes that has finished a part and not all of them."""
    command = [sys.executable, "-c", RUN, rows, tmp_path / "scores.csv", "2"]
    begun = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(lambda: notes(tmp_path))
    yield begun
    begun.kill()
    begun.communicate()


def wait_for(holds: Callable[[], Any], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def notes(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "scores.csv.parts").glob("*[0-9].json"))


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], check=True, text=True, capture_output=True).stdout
    rows = [line.split() for line in found.splitlines()]
    return [int(child) for child, parent, stat in rows if int(parent) == pid and stat[0] != "Z"]


def alive(pid: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, text=True, capture_output=True).stdout
    return bool(found.strip()) and found.strip()[0] != "Z"


def test_after_a_kill_only_the_missing_parts_are_scored(
    started: subprocess.Popen[str], late: ModelSpec, rows: Path, tmp_path: Path, told: Any, run: Score
) -> None:
    crew = children(started.pid)
    started.kill()
    started.wait()
    wait_for(lambda: not any(map(alive, crew)))  # they end with whoever feeds them
    kept = [int(note.stem) for note in notes(tmp_path)]
    assert kept
    assert not (tmp_path / "scores.csv").exists()
    summary = run(rows, "scores.csv", part_bytes=PART_BYTES)
    assert told.kept == kept
    assert told.scored
    assert not {*told.scored} & {*kept}
    assert not (tmp_path / "scores.csv.parts").exists()
    run(rows, "at_once.csv")
    assert (tmp_path / "scores.csv").read_bytes() == (tmp_path / "at_once.csv").read_bytes()
    lists = [(tmp_path / f"{name}.csv.rejected.jsonl").read_bytes() for name in ("scores", "at_once")]
    assert lists[0] == lists[1]
    assert (summary.rows, summary.refused) == (ROWS, len(range(0, ROWS, 3)))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_ended_leaves_no_process_and_keeps_its_parts(
    sent: int, code: int, started: subprocess.Popen[str], tmp_path: Path
) -> None:
    crew = children(started.pid)
    assert crew
    assert started.pid not in map(os.getsid, crew)  # a terminal's Ctrl-C is not for them
    if sent == signal.SIGINT:
        os.killpg(started.pid, sent)  # as a terminal does
    else:
        started.send_signal(sent)
    _, errors = started.communicate(timeout=20)
    assert (started.returncode, "Traceback" in errors) == (code, False)
    assert not any(map(alive, crew))
    assert notes(tmp_path)
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize("change", ["input", "part size", "bundle"])
def test_another_job_starts_anew_and_says_so(
    change: str, started: subprocess.Popen[str], late: ModelSpec, rows: Path, tmp_path: Path, told: Any, run: Score
) -> None:
    started.kill()
    started.wait()
    if change == "input":
        os.utime(rows, ns=(1, 1))
    bundle = {"bundle": late.root / "models" / "v1"} if change == "bundle" else {}  # the same, by its own version
    wait_for(lambda: not list((tmp_path / "scores.csv.parts").glob("*.draft")))
    run(rows, "scores.csv", part_bytes=PART_BYTES + (change == "part size"), **bundle)
    assert told.kept == []
    assert any("starting anew" in notice for notice in told.notices)


def test_a_part_whose_file_is_not_whole_is_scored_again(
    late: ModelSpec, run: Score, rows: Path, tmp_path: Path, told: Any
) -> None:
    def until_the_power_went(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
        yield from on_processes(job, islice(parts, 2), most=1)
        raise DataError("The power went.")

    order = Order(spec=late, source=str(rows), output=tmp_path / "scores.csv", part_bytes=PART_BYTES)
    with pytest.raises(DataError, match="power"):
        score(order, until_the_power_went, told)
    half = tmp_path / "scores.csv.parts" / "000001.part"
    half.write_bytes(half.read_bytes()[:-1])
    run(rows, "scores.csv", part_bytes=PART_BYTES)
    assert told.kept == [0]


def test_a_process_that_is_killed_ends_the_run_with_one_line(started: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(children(started.pid)[0], signal.SIGKILL)
    _, errors = started.communicate(timeout=20)
    assert started.returncode == 1
    assert errors.splitlines()[-1].startswith("error: A scoring process ended before its time, with code -9")
    assert "the same command again" in errors


def test_an_input_that_changes_meanwhile_gives_no_output(
    late: ModelSpec, rows: Path, tmp_path: Path, told: Any
) -> None:
    def engine(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
        yield from on_processes(job, parts, most=1)
        with rows.open("a") as file:
            file.write("1,1,1,red\n")

    with pytest.raises(DataError, match="changed while it was scored"):
        score(Order(spec=late, source=str(rows), output=tmp_path / "scores.csv"), engine, told)
    assert not (tmp_path / "scores.csv").exists()


def test_what_a_worker_reports_is_one_clear_error(late: ModelSpec, rows: Path, tmp_path: Path, told: Any) -> None:
    def engine(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
        gone = (part.model_copy(update={"path": str(tmp_path / "gone.csv")}) for part in parts)
        yield from on_processes(job, gone, most=2)

    with pytest.raises(DataError, match=r"gone.csv: No such file or directory"):
        score(Order(spec=late, source=str(rows), output=tmp_path / "scores.csv"), engine, told)


def test_a_full_disk_is_one_clear_error(late: ModelSpec, rows: Path, tmp_path: Path) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); {RUN}"
    ended = subprocess.run(
        [sys.executable, "-c", limited, rows, tmp_path / "scores.csv", "1"],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "File too large" in ended.stderr.splitlines()[-1]


def test_many_processes_give_the_rows_in_order(late: ModelSpec, rows: Path, tmp_path: Path, told: Any) -> None:
    order = Order(spec=late, source=str(rows), output=tmp_path / "scores.csv", part_bytes=PART_BYTES)
    summary = score(order, partial(on_processes, most=3), told)
    ids = [int(line.split(",")[0]) for line in (tmp_path / "scores.csv").read_text().splitlines()[1:]]
    assert ids == [number for number in range(ROWS) if number % 3]
    assert summary.rejected is not None
    listed = [json.loads(line)["row"] for line in summary.rejected.read_bytes().splitlines()]
    assert listed == list(range(1, ROWS + 1, 3))
