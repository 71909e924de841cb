"""The folder of unfinished parts: nothing in it is lost, taken for what it isn't, or removed if it is a user's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portfolio.batch.flow import Engine, score
from portfolio.batch.job import Done, Job, Part
from portfolio.batch.join import Summary
from portfolio.batch.plan import Order
from portfolio.batch.processes import on_processes
from portfolio.errors import DataError
from portfolio.spec import ModelSpec

Score = Callable[..., Summary]
Attempt = Callable[[Engine], Summary]
ROWS = 40
PART_BYTES = 200
ENGINE = partial(on_processes, most=1)


@pytest.fixture
def attempt(late: ModelSpec, tmp_path: Path, told: Any) -> Attempt:
    """Score a file of several parts to scores.csv."""
    lines = [f"{number},{number % 9 + 1},2.5,red\n" for number in range(ROWS)]
    (tmp_path / "rows.csv").write_text("id,pieces,weight,colour\n" + "".join(lines))
    source, output = str(tmp_path / "rows.csv"), tmp_path / "scores.csv"
    order = Order(spec=late, source=source, output=output, part_bytes=PART_BYTES, overwrite=True)
    return lambda engine: score(order, engine, told)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / "scores.csv.parts"


def broken_off(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
    """An engine that scores everything; then the power goes."""
    yield from ENGINE(job, parts)
    raise DataError("The power went.")


@pytest.mark.parametrize("lost", ["000001.part", "000001.rejected", "000001.json", "total"])
def test_without_all_parts_there_is_no_output_until_the_same_command_runs_again(
    lost: str, attempt: Attempt, parts: Path, told: Any, tmp_path: Path
) -> None:
    def losing(job: Job, cut: Iterator[Part]) -> Iterator[Done]:
        yield from ENGINE(job, cut)
        (parts / lost).unlink()

    (tmp_path / "scores.csv").write_text("precious")
    with pytest.raises(DataError, match=r"exactly the parts of the input: (look for 1\.|their total)") as caught:
        attempt(losing)
    assert "the same command again" in caught.value.remedy
    assert (tmp_path / "scores.csv").read_text() == "precious"
    told.scored = []
    assert attempt(ENGINE).rows == ROWS
    assert told.scored == ([] if lost == "total" else [1])
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == ROWS + 1


def test_an_engine_that_leaves_parts_out_gives_no_output(attempt: Attempt, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold exactly the parts"):
        attempt(lambda *_: iter(()))
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize("name", ["thesis.txt", "000001.json", "000001.part", "job.json"])
def test_a_folder_that_no_job_made_is_refused_and_left_as_it_is(
    name: str, attempt: Attempt, parts: Path, tmp_path: Path
) -> None:
    parts.mkdir()
    (parts / name).write_text("precious")
    with pytest.raises(DataError, match=f"{parts} is needed .*: {name}") as caught:
        attempt(ENGINE)
    assert caught.value.remedy
    assert [(file.name, file.read_text()) for file in parts.iterdir()] == [(name, "precious")]
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize("names", [[], ["lock"], ["lock", ".job.json.7.draft"]], ids=str)
def test_what_a_run_leaves_that_was_killed_at_its_very_beginning_is_no_hindrance(
    names: list[str], attempt: Attempt, parts: Path
) -> None:
    parts.mkdir()
    for name in names:
        (parts / name).touch()
    assert attempt(ENGINE).rows == ROWS
    assert not parts.exists()


@pytest.mark.parametrize("garbled", [b"", b"{}", b"\xff", b'{"number": 1}'], ids=str)
def test_a_part_whose_note_can_not_be_read_is_scored_again(
    garbled: bytes, attempt: Attempt, parts: Path, told: Any
) -> None:
    with pytest.raises(DataError, match="power"):
        attempt(broken_off)
    (parts / "000001.json").write_bytes(garbled)
    told.scored = []
    assert attempt(ENGINE).rows == ROWS
    assert told.scored == [1]


@pytest.mark.parametrize("another_job", [False, True], ids=["the same job", "another job"])
def test_what_a_user_put_into_a_job_s_folder_stays_and_is_named(
    another_job: bool, attempt: Attempt, parts: Path, told: Any, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="power"):
        attempt(broken_off)
    (parts / "mine" / "deep").mkdir(parents=True)
    (parts / "notes2024.json").write_text("precious")
    if another_job:
        with (tmp_path / "rows.csv").open("a") as rows:
            rows.write("x,1,1,red\n")
    assert attempt(ENGINE).rows == ROWS + another_job
    assert sorted(file.name for file in parts.iterdir()) == ["mine", "notes2024.json"]
    assert told.notices[-1] == f"{parts} stays: it holds what is not of this job"
