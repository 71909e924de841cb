"""A worker's journal keeps what it can, and says what it can't."""

from __future__ import annotations

import os
import time
from pathlib import Path

import orjson
import pytest
from kept import AUTHOR, WIDE, Told, entries, entry, journal
from structlog.testing import capture_logs

from portfolio.errors import JournalFull
from portfolio.predictions import segments as files
from portfolio.predictions.journal import AGE_SECONDS
from portfolio.predictions.room import Bound
from portfolio.predictions.segments import Record, released, scan, segments
from portfolio.settings import Settings

TIGHT = Bound(most=16 * 2000, segment=2000)
REFUSING = Bound(TIGHT.most, TIGHT.segment, refuse=True)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def kept(folder: Path) -> list[str]:
    """The ids in all segments, the oldest first."""
    found = [place for path in segments(folder) for place in scan(path.read_bytes()) if isinstance(place, Record)]
    return [line[0] for place in found for line in orjson.loads(place.payload)[-1]]


def test_what_is_appended_is_in_a_file_at_once(tmp_path: Path) -> None:
    told = Told()
    written = journal(tmp_path / "new" / "journal", told)
    written.append(AUTHOR, entries(0, 3))
    [path] = segments(tmp_path / "new" / "journal")
    [record] = scan(path.read_bytes())
    assert isinstance(record, Record)
    assert record.rows == 3
    assert orjson.loads(record.payload) == [*AUTHOR, [list(line) for line in entries(0, 3)]]
    assert told == {"kept": 3}


def test_a_number_beyond_64_bits_is_kept(tmp_path: Path) -> None:
    written = journal(tmp_path, Told())
    written.append(AUTHOR, [entry(1, pieces=10**30)])
    [record] = scan(segments(tmp_path)[0].read_bytes())
    assert isinstance(record, Record)
    assert orjson.loads(record.payload)[-1][0][6][0] == 1e30


def test_segments_follow_one_another(tmp_path: Path) -> None:
    told = Told()
    written = journal(tmp_path, told, Bound(most=10**6, segment=2000))
    for number in range(100):
        written.append(AUTHOR, [entry(number)])
    assert kept(tmp_path) == [f"p{number:06d}" for number in range(100)]
    assert all(path.stat().st_size <= 2000 for path in segments(tmp_path))
    assert len(segments(tmp_path)) > 5


def test_a_full_journal_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    told = Told()
    written = journal(tmp_path, told, TIGHT)
    for number in range(1000):
        written.append(AUTHOR, [entry(number)])
        assert sum(path.stat().st_size for path in segments(tmp_path)) <= TIGHT.most
    left = kept(tmp_path)
    assert left == [f"p{number:06d}" for number in range(1000 - len(left), 1000)]
    assert told == {"kept": 1000, "full": 1000 - len(left)}
    assert len(left) > 150


def test_what_the_store_has_is_dropped_without_a_loss(tmp_path: Path) -> None:
    told = Told()

    def stored() -> dict[str, int]:
        return {path.name: path.stat().st_size for path in segments(tmp_path)[:3]}

    written = journal(tmp_path, told, TIGHT, stored=stored)
    for number in range(1000):
        written.append(AUTHOR, [entry(number)])
    assert told == {"kept": 1000}


def test_a_segment_that_is_held_is_not_dropped(tmp_path: Path) -> None:
    one, other = Told(), Told()
    first = journal(tmp_path, one, TIGHT)
    first.append(AUTHOR, [entry(999_999)])
    second = journal(tmp_path, other, TIGHT)
    for number in range(1000):
        second.append(AUTHOR, [entry(number)])
    assert kept(tmp_path)[0] == "p999999"
    assert other["full"] > 500


def test_a_full_journal_may_refuse_until_there_is_room(tmp_path: Path) -> None:
    told, clock = Told(), Clock()
    written = journal(tmp_path, told, REFUSING, clock=clock)

    def go_on() -> None:
        for number in range(told["kept"], 1000):
            written.append(AUTHOR, [entry(number)])

    with pytest.raises(JournalFull, match=r"The journal is full\."):
        go_on()
    number = told["kept"]
    assert number > 150
    assert kept(tmp_path) == [f"p{place:06d}" for place in range(number)]
    segments(tmp_path)[0].unlink()
    clock.now += 0.9
    with pytest.raises(JournalFull):
        written.append(AUTHOR, [entry(number)])
    clock.now += 0.2
    written.append(AUTHOR, [entry(number)])
    assert told == {"kept": number + 1, "refused, full": 2}


def test_a_folder_that_cannot_be_made_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told, clock = Told(), Clock()
    written = journal(tmp_path / "file" / "journal", told, clock=clock)
    written.open()
    written.append(AUTHOR, entries(0, 2))
    assert told == {"unwritable": 2}
    (tmp_path / "file").unlink()
    clock.now += 2
    written.append(AUTHOR, entries(0, 3))
    assert told == {"unwritable": 2, "kept": 3}


def test_a_folder_that_cannot_be_made_refuses_where_that_is_wished(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = Told()
    written = journal(tmp_path / "file" / "journal", told, REFUSING)
    for _ in range(2):
        with pytest.raises(JournalFull, match="can't be written"):
            written.append(AUTHOR, entries(0, 2))
    assert told == {"refused, unwritable": 4}


def test_a_failed_write_is_counted_and_the_next_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    written = journal(tmp_path, told)
    written.append(AUTHOR, entries(0, 2))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "write", lambda file, content: write(file, content[:50]))
        written.append(AUTHOR, entries(2, 5))
    written.append(AUTHOR, entries(5, 6))
    assert told == {"kept": 3, "unwritable": 3}
    assert kept(tmp_path) == ["p000000", "p000001", "p000005"]


@pytest.mark.parametrize("sync", [True, False])
def test_each_record_is_synchronised_where_that_is_wished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sync: bool
) -> None:
    files_synchronised: list[int] = []
    monkeypatch.setattr(files.os, "fdatasync", files_synchronised.append)
    written = journal(tmp_path, Told(), sync=sync)
    for number in range(3):
        written.append(AUTHOR, [entry(number)])
    assert len(files_synchronised) == (3 if sync else 0)


def test_a_file_that_was_removed_is_replaced(tmp_path: Path) -> None:
    clock = Clock()
    written = journal(tmp_path / "journal", Told(), clock=clock)
    written.append(AUTHOR, entries(0, 1))
    segments(tmp_path / "journal")[0].unlink()
    (tmp_path / "journal").rmdir()
    clock.now += 2
    written.append(AUTHOR, entries(1, 2))
    assert kept(tmp_path / "journal") == ["p000001"]


def test_a_batch_that_is_larger_than_all_there_may_be_drops_nothing_else(tmp_path: Path) -> None:
    told = Told()
    written = journal(tmp_path, told, TIGHT)
    written.append(AUTHOR, entries(0, 5))
    written.append(AUTHOR, entries(5, 1000))
    assert told == {"kept": 5, "full": 995}
    assert len(kept(tmp_path)) == 5


def test_a_batch_that_finds_no_room_costs_nobody_else(tmp_path: Path) -> None:
    told, clock = Told(), Clock()
    written = journal(tmp_path, told, TIGHT, clock=clock)
    other = journal(tmp_path, Told(), TIGHT, clock=clock)
    gone = journal(tmp_path, Told(), TIGHT, clock=clock)
    gone.append(AUTHOR, entries(0, 2))
    gone.close()
    other.append(AUTHOR, entries(2, 5))
    written.append(AUTHOR, entries(5, 10))
    written.append(AUTHOR, entries(1000, 1400))  # it would fit, were it not for the two that are held
    written.append(AUTHOR, entries(10, 12))
    assert told == {"kept": 7, "full": 400}
    assert kept(tmp_path) == [f"p{number:06d}" for number in range(12)]
    assert len(segments(tmp_path)) == 3


def test_a_batch_that_finds_no_room_at_the_start_costs_nobody_else(tmp_path: Path) -> None:
    told = Told()
    written = journal(tmp_path, told, TIGHT, clock=Clock())
    written.append(AUTHOR, entries(0, 1000))
    written.append(AUTHOR, entries(0, 5))
    assert told == {"full": 1000, "kept": 5}


def test_what_is_no_segment_keeps_nothing_from_being_dropped(tmp_path: Path) -> None:
    told = Told()
    (tmp_path / "0.segment").mkdir()
    bound = Bound(TIGHT.most + (tmp_path / "0.segment").stat().st_size, TIGHT.segment)
    written = journal(tmp_path, told, bound)
    for number in range(1000):
        written.append(AUTHOR, [entry(number)])
    assert told["kept"] == 1000
    assert told["full"] > 500


@pytest.mark.parametrize("tended", [True, False])
def test_an_old_segment_is_let_go_of(tmp_path: Path, *, tended: bool) -> None:
    clock = Clock()
    written = journal(tmp_path, Told(), clock=clock)
    written.append(AUTHOR, entries(0, 5))
    [path] = segments(tmp_path)
    clock.now += AGE_SECONDS - 1
    written.tend()
    with released(path) as free:
        assert not free
    clock.now += 1
    if tended:
        written.tend()
    else:
        written.append(AUTHOR, entries(5, 10))
    with released(path) as free:
        assert free
    written.append(AUTHOR, entries(10, 15))
    assert len(segments(tmp_path)) == 2


def test_an_open_journal_is_tended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolio.predictions.journal.TEND_SECONDS", 0.01)
    clock = Clock()
    written = journal(tmp_path, Told(), clock=clock)
    written.open()
    written.append(AUTHOR, entries(0, 5))
    [path] = segments(tmp_path)
    clock.now += AGE_SECONDS
    until = time.monotonic() + 10
    while True:
        with released(path) as free:
            if free:
                break
        assert time.monotonic() < until
    written.close()


def test_the_log_tells_how_many_were_lost(tmp_path: Path) -> None:
    clock = Clock()
    written = journal(tmp_path, Told(), TIGHT, clock=clock)
    with capture_logs() as log:
        for start in range(0, 3000, 1000):
            written.append(AUTHOR, entries(start, start + 1000))
        clock.now += 11
        written.tend()
        written.append(AUTHOR, entries(0, 1000))
        written.close()
    lost = [line["predictions"] for line in log if line["event"] == "predictions are lost"]
    assert lost == [1000, 2000, 1000]
    assert [line["event"] for line in log].count("the journal is full") == 2


def test_drafts_of_the_dead_are_removed_and_others_are_not(tmp_path: Path) -> None:
    for name, age in (("old.draft", 100), ("fresh.draft", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    written = journal(tmp_path, Told())
    written.open()
    written.close()
    assert [path.name for path in tmp_path.iterdir()] == ["fresh.draft"]


def test_workers_share_a_folder(tmp_path: Path) -> None:
    told = Told()
    workers = [journal(tmp_path, told, TIGHT) for _ in range(8)]
    for number in range(2000):
        workers[number % 8].append(AUTHOR, [entry(number)])
        assert sum(path.stat().st_size for path in segments(tmp_path)) <= TIGHT.most
    assert told["kept"] == 2000
    assert len(kept(tmp_path)) == 2000 - told["full"]


def test_the_bound_is_that_of_the_settings() -> None:
    assert Bound.of(Settings(journal_max_mb=1024)) == Bound(2**30, 8 * 2**20)
    assert Bound.of(Settings(journal_max_mb=16, journal_when_full="refuse")) == Bound(2**24, 2**20, refuse=True)
    assert Bound.of(Settings(journal_max_mb=16, workers=8)).segment == 2**19
    assert WIDE.refuse is False
