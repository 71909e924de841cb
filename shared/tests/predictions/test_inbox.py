"""The inbox that people append labels to, and who else reads it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from labelled import HEADER, IDS, Write, recorded, row, told
from stores import BEGIN, prediction, predictions, ship

from portfolio.errors import DataError, StoreError
from portfolio.predictions.inbox import QUIET, read_inbox
from portfolio.predictions.label_files import Imported
from portfolio.settings import Settings
from portfolio.store import summary


@pytest.fixture
def settings(labelled: Settings) -> Settings:
    return labelled


@pytest.fixture
def append(settings: Settings) -> Write:
    """Appends text to the inbox, as `cat >>` does, some time ago."""

    def write(text: str | bytes, *, ago: float = 2 * QUIET) -> None:
        inbox = settings.labels_inbox
        with inbox.open("ab") as out:
            out.write(text.encode() if isinstance(text, str) else text)
        then = inbox.stat().st_mtime - ago
        os.utime(inbox, (then, then))

    return write


def test_without_an_inbox_there_is_nothing(settings: Settings) -> None:
    assert read_inbox(settings).counts == {}


def test_what_is_appended_is_read_once(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}
    append(HEADER + row(1) + "\n" + row(2) + "\n")
    assert read_inbox(settings).counts == {"recorded": 2}
    append(row(3) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}
    assert read_inbox(settings).counts == {}
    assert set(recorded(settings)) == {0, 1, 2, 3}


def test_lines_without_any_header_have_the_usual_columns(settings: Settings, append: Write) -> None:
    append(row(0) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}


def test_what_is_no_csv_in_the_inbox_ends_no_reading_of_it(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n" + "x" * 200_000 + "\n" + row(1) + "\r" + row(2) + "\n")
    found = read_inbox(settings)
    append(row(3) + "\n" + row(4, "no") + "\n")
    again = read_inbox(settings)
    assert (found.counts, told(found)) == ({"recorded": 3, "refused": 1}, [(3, "refused")])
    assert (again.counts, told(again)) == ({"recorded": 1, "refused": 1}, [(7, "refused")])


def test_the_columns_of_the_last_header_go_on_counting(settings: Settings, append: Write) -> None:
    append(f"true_label,prediction_id\n1,{IDS[0]}\n")
    read_inbox(settings)
    append(f"0,{IDS[1]}\n")
    assert read_inbox(settings).counts == {"recorded": 1}


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n" + row(1)[:20], ago=0)
    assert read_inbox(settings).counts == {"recorded": 1}
    append(row(1)[20:] + "\n", ago=0)
    assert read_inbox(settings).counts == {"recorded": 1}
    assert recorded(settings) == {0: 1.0, 1: 1.0}


def test_a_last_line_without_an_end_is_read_once_nobody_writes(settings: Settings, append: Write) -> None:
    append(HEADER + row(0))
    assert read_inbox(settings).counts == {"recorded": 1}
    append(HEADER + row(1))
    append("\n" + row(2))
    assert read_inbox(settings).counts == {"recorded": 2}
    assert set(recorded(settings)) == {0, 1, 2}


def test_a_header_glued_to_a_line_without_an_end_is_cut_off(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + HEADER + row(1) + "\n", ago=0)
    assert read_inbox(settings).counts == {"recorded": 2}


def test_a_file_that_was_replaced_is_read_anew(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n" + row(1) + "\n")
    read_inbox(settings)
    settings.labels_inbox.unlink()
    append(HEADER + row(2) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}
    settings.labels_inbox.unlink()
    append(HEADER + row(3) + "\n" + row(4) + "\n" + row(5) + "\n")
    assert read_inbox(settings).counts == {"recorded": 3}


def test_another_store_reads_the_inbox_from_its_beginning(settings: Settings, append: Write, tmp_path: Path) -> None:
    append(HEADER + row(0) + "\n")
    read_inbox(settings)
    other = Settings(database_url=f"sqlite:///{tmp_path}/other.db")
    ship(predictions(1), other)
    assert read_inbox(other).counts == {"recorded": 1}


def test_a_store_whose_address_is_mistyped_takes_nothing_of_the_inbox(
    settings: Settings, append: Write, tmp_path: Path
) -> None:
    append(HEADER + row(0) + "\n")
    nowhere = tmp_path / "mistyped.db"
    with pytest.raises(StoreError, match="There is no store at"):
        read_inbox(Settings(database_url=f"sqlite:///{nowhere}"))
    assert not nowhere.exists()
    assert not settings.labels_inbox.with_name("labels.rejected.csv").exists()
    assert read_inbox(settings).counts == {"recorded": 1}


def test_a_store_that_is_away_loses_nothing_of_the_inbox(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n")
    with pytest.raises(StoreError):
        read_inbox(Settings(database_url="sqlite:////proc/nowhere/portfolio.db"))
    assert read_inbox(settings).counts == {"recorded": 1}


def test_what_the_inbox_could_not_record_is_listed_beside_it(settings: Settings, append: Write) -> None:
    append(HEADER + row(0, "yes") + "\n")
    found = read_inbox(settings)
    append(row(1, "no") + "\n")
    read_inbox(settings)
    assert found.file is not None
    assert found.file.name == "labels.rejected.csv"
    assert [line.split(",")[4] for line in found.file.read_text().splitlines()[1:]] == ["2", "3"]


def test_several_who_read_the_inbox_at_once_read_each_line_once(settings: Settings, append: Write) -> None:
    append(HEADER + "".join(f"x{number},1,,\n" for number in range(100)))
    program = "from portfolio.predictions.inbox import read_inbox; from portfolio.settings import Settings\n"
    program += "import sys; print(read_inbox(Settings(database_url=sys.argv[1])).refused)"
    command = [sys.executable, "-c", program, settings.database_url]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(reader.communicate(timeout=60)[0]) for reader in readers) == 100


def test_files_beside_the_inbox_are_as_open_as_any_other_where_nobody_shares_it(
    settings: Settings, append: Write
) -> None:
    append(row(0, "no") + "\n")
    read_inbox(settings)
    usual = settings.labels_inbox.stat().st_mode
    assert {file.stat().st_mode for file in settings.labels_inbox.parent.iterdir()} == {usual}


HOST, CONTAINER = (2000, 2000), (10001, 10001)
"""User and group: the container's user owns the folder, the host's group has it."""


@pytest.fixture
def shared(append: Write, settings: Settings) -> Iterator[Settings]:
    """An inbox and a store as the containers' `init` leaves them, where other users reach them."""
    if os.getuid():
        pytest.skip("takes root, who can become two users")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "Procfile").touch()
        for part in ("monitoring", "monitoring/labels", "store"):
            (folder / part).mkdir()
            os.chown(folder / part, CONTAINER[0], HOST[1])
            (folder / part).chmod(0o2775)
        os.chdir(folder)
        there = Settings(database_url=f"sqlite:///{folder}/store/portfolio.db")
        ship(predictions(10), there)
        (folder / "store" / "portfolio.db").chmod(0o666)
        yield there


def as_user(who: tuple[int, int], settings: Settings) -> Imported:
    user, group = who
    mask = os.umask(0o022)
    os.setegid(group)
    os.seteuid(user)
    try:
        return read_inbox(settings)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.umask(mask)


@pytest.mark.parametrize("turns", [(HOST, CONTAINER, HOST), (CONTAINER, HOST, CONTAINER)], ids=["host", "container"])
def test_host_and_container_read_the_same_inbox_whoever_comes_first(
    shared: Settings, append: Write, turns: Sequence[tuple[int, int]]
) -> None:
    for number, who in enumerate(turns):
        append(row(number) + "\n" + row(number, "no") + "\n")
        assert as_user(who, shared).counts == {"recorded": 1, "refused": 1}
    listed = shared.labels_inbox.with_name("labels.rejected.csv")
    assert [line.split(",")[4] for line in listed.read_text().splitlines()[1:]] == ["2", "4", "6"]
    for name in ("labels.rejected.csv", ".labels.csv.read"):
        found = (shared.labels_inbox.parent / name).stat()
        assert (found.st_gid, found.st_mode & 0o777) == (HOST[1], 0o664)


@pytest.mark.parametrize("closed", ["labels.csv", "."])
def test_an_inbox_that_can_not_be_read_keeps_no_label_that_waits_from_being_recorded(
    shared: Settings, append: Write, closed: str
) -> None:
    late = prediction(10)
    append(f"{late.prediction_id},1,,\n")
    as_user(HOST, shared)
    ship([late], shared)
    (shared.labels_inbox.parent / closed).chmod(0)
    with pytest.raises(DataError) as caught:
        as_user(HOST, shared)
    assert "Let user" in caught.value.remedy
    assert summary("toylate", shared, now=BEGIN).labels == 1
