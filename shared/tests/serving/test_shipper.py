"""The shipper as a service runs it: a process of its own, with patience, and one last look."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from kept import AUTHOR, Shelf, Told, entries, entry, journal
from postgres import postgresql

from portfolio.errors import StoreError
from portfolio.predictions.segments import segments
from portfolio.predictions.shipping import BATCH_ROWS, Shipping
from portfolio.serving.board import FOLDER, Board, Shipment
from portfolio.serving.shipper import Door, Shipper
from portfolio.settings import Settings
from portfolio.store import Prediction


@contextmanager
def shipping(folder: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    """The program, on the folder's journal and board."""
    board = folder / "board"
    board.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "portfolio.serving.shipper", "toylate", str(folder / "journal"), str(os.getpid())]
    environment = os.environ | {"DATABASE_URL": address, FOLDER: str(board), "LOG_FORMAT": "json"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def posted(folder: Path) -> Shipment:
    return Board(folder / "board").shipment() or Shipment()


def write(folder: Path, start: int, stop: int) -> None:
    """Predictions of a worker that has ended."""
    written = journal(folder / "journal", Told())
    for number in range(start, stop, 20):
        written.append(AUTHOR, entries(number, min(number + 20, stop)))
    written.close()


def count(file: Path) -> int:
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        return int(connection.execute("SELECT count(*) FROM model_predictions").fetchone()[0])


def test_what_came_until_the_end_is_shipped_at_the_end(tmp_path: Path) -> None:
    with shipping(tmp_path, f"sqlite:///{tmp_path}/store.db") as program:
        write(tmp_path, 0, 100)
        wait_until(lambda: posted(tmp_path).shipped == 100)
        write(tmp_path, 100, 300)
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0
    assert count(tmp_path / "store.db") == 300
    assert segments(tmp_path / "journal") == []
    assert posted(tmp_path) == Shipment({}, 300)


def test_one_that_is_killed_is_followed_by_one_that_counts_on(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    with shipping(tmp_path, address) as program:
        write(tmp_path, 0, 40_000)
        wait_until(lambda: posted(tmp_path).shipped > 0 or segments(tmp_path / "journal") == [])
        program.kill()
        program.wait()
    with shipping(tmp_path, address):
        wait_until(lambda: segments(tmp_path / "journal") == [])
    assert count(tmp_path / "store.db") == 40_000


def test_it_ships_to_no_store_before_there_is_something_to_ship(tmp_path: Path) -> None:
    (tmp_path / "store").touch()  # no folder can be made where a file is
    with shipping(tmp_path, f"sqlite:///{tmp_path}/store/store.db"):
        wait_until((tmp_path / "board" / "shipment").exists)
        time.sleep(1)
        assert posted(tmp_path).reached
        write(tmp_path, 0, 10)
        wait_until(lambda: not posted(tmp_path).reached)


def test_a_store_that_comes_back_gets_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "store").touch()  # no folder can be made where a file is
    write(tmp_path, 0, 100)
    with shipping(tmp_path, f"sqlite:///{tmp_path}/store/store.db") as program:
        wait_until(lambda: not posted(tmp_path).reached)
        time.sleep(3)
        (tmp_path / "store").unlink()
        wait_until(lambda: posted(tmp_path).reached and posted(tmp_path).shipped == 100)
        program.terminate()
        assert program.stderr
        log = program.stderr.read()
    assert log.count("the store takes no predictions") == 1
    assert log.count("predictions reach the store again") == 1


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_taken_away_under_it_costs_no_prediction(tmp_path: Path, *, replaced: bool) -> None:
    store = tmp_path / "store.db"
    written = journal(tmp_path / "journal", Told())
    with shipping(tmp_path, f"sqlite:///{store}"):
        written.append(AUTHOR, entries(0, 10))
        wait_until(lambda: posted(tmp_path).shipped == 10)
        if replaced:  # a backup from before
            with closing(sqlite3.connect(store)) as one, closing(sqlite3.connect(tmp_path / "backup")) as other:
                one.backup(other)
                other.execute("DELETE FROM model_predictions")
                other.commit()
            for name in ("store.db-wal", "store.db-shm"):
                (tmp_path / name).unlink()
            (tmp_path / "backup").replace(store)
        else:
            store.rename(tmp_path / "away.db")
        written.append(AUTHOR, entries(10, 20))
        written.close()
        wait_until(lambda: segments(tmp_path / "journal") == [])
    assert count(store) == 20


def test_three_services_ship_into_one_file_at_once(tmp_path: Path) -> None:
    """2,000 predictions a second of each, for five seconds."""
    address = f"sqlite:///{tmp_path}/store.db"
    folders = [tmp_path / name for name in ("one", "two", "three")]
    with shipping(folders[0], address), shipping(folders[1], address), shipping(folders[2], address):
        begun = time.monotonic()
        for number in range(50):
            for place, folder in enumerate(folders):
                first = place * 100_000 + number * 200
                write(folder, first, first + 200)
            time.sleep(max(0.0, begun + 0.1 * number - time.monotonic()))
        wait_until(lambda: not any(segments(folder / "journal") for folder in folders))
        assert all(posted(folder).reached for folder in folders)
    assert count(tmp_path / "store.db") == 30_000
    assert [posted(folder).shipped for folder in folders] == [10_000] * 3


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgresql() as address:
        yield address


def test_no_text_that_a_request_may_hold_stops_the_others(tmp_path: Path, database: str) -> None:
    written = journal(tmp_path, Told())
    for number, text in enumerate(("\0", "\uffff", "\N{GRINNING FACE}", "'; --", "a" * 10_000)):
        written.append(AUTHOR, [entry(number, colour=text, pieces=10**30)])
    door = Door(Settings(database_url=database))
    shipping = Shipping(tmp_path, "toylate", door)
    assert shipping.look(10)
    door.close()
    assert shipping.shipped == 5


def test_an_error_that_nobody_foresaw_ends_nothing(tmp_path: Path) -> None:
    shelf = Shelf()

    def ship(batch: object) -> int:
        if not shelf.batches:
            shelf.batches.append(0)
            raise RuntimeError("who would have thought")
        return shelf(batch)  # type: ignore[arg-type]

    write(tmp_path, 0, 10)
    shipper = Shipper(Shipping(tmp_path / "journal", "toylate", ship), Board(tmp_path), None, plenty=10**6)
    assert shipper.turn() == 1.0
    assert shipper.turn() == 0.5
    assert len(shelf.rows) == 10


def test_its_patience_has_an_end(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.away = True
    write(tmp_path, 0, 10)
    shipper = Shipper(Shipping(tmp_path / "journal", "toylate", shelf), Board(tmp_path), None, plenty=10**6)
    assert [shipper.turn() for _ in range(7)] == [1, 2, 4, 8, 15, 15, 15]
    assert Board(tmp_path).shipment() == Shipment(reached=False)
    shelf.away = False
    assert shipper.turn() == 0.5
    assert Board(tmp_path).shipment() == Shipment({}, 10)


@pytest.mark.parametrize(("plenty", "pause"), [(10**9, 9 * 0.25), (1, 0.0)])
def test_it_takes_a_tenth_of_a_core_until_much_waits(tmp_path: Path, plenty: int, pause: float) -> None:
    def ship(batch: Sequence[Prediction]) -> int:
        until = time.thread_time() + 0.25
        while time.thread_time() < until:
            pass
        return len(batch)

    write(tmp_path, 0, 2 * BATCH_ROWS)
    shipper = Shipper(Shipping(tmp_path / "journal", "toylate", ship), Board(tmp_path), None, plenty=plenty)
    assert shipper.turn() == pytest.approx(pause, rel=0.01)


def sessions(address: str) -> list[int]:
    """The server's processes of everyone who is connected, but the one who asks."""
    with psycopg.connect(address) as connection:
        asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return [row[0] for row in connection.execute(asked)]


def test_a_store_that_hangs_is_told_and_keeps_nobody_from_leaving(tmp_path: Path, database: str) -> None:
    written = journal(tmp_path / "journal", Told())
    with shipping(tmp_path, database) as program:
        written.append(AUTHOR, entries(1000, 1010))
        wait_until(lambda: posted(tmp_path).shipped == 10)
        stopped = sessions(database)
        for session in stopped:
            os.kill(session, signal.SIGSTOP)
        try:
            written.append(AUTHOR, entries(1010, 1020))
            wait_until(lambda: not posted(tmp_path).reached)
            program.send_signal(signal.SIGTERM)
            assert program.wait(10) == 0
        finally:
            for session in stopped:
                os.kill(session, signal.SIGCONT)
        assert program.stderr
        assert program.stderr.read().count("the store does not answer, predictions stay") == 1
    assert len(segments(tmp_path / "journal")) == 1


def test_a_lock_that_somebody_holds_is_not_waited_for_without_end(tmp_path: Path, database: str) -> None:
    door = Door(Settings(database_url=database))
    shipping = Shipping(tmp_path / "journal", "toylate", door)
    write(tmp_path, 2000, 2010)
    shipping.look(1)
    with psycopg.connect(database) as idle:
        idle.execute("LOCK TABLE model_predictions IN ACCESS EXCLUSIVE MODE")
        write(tmp_path, 2010, 2020)
        with pytest.raises(StoreError, match="timeout"):
            shipping.look(1)
    assert shipping.look(1)
    assert shipping.shipped == 20
    door.close()
