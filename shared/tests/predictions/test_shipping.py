"""What is in the journal comes into the store once, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kept import AUTHOR, Shelf, Told, entries, entry, journal, names

from portfolio.errors import StoreError
from portfolio.predictions.segments import packed, segments
from portfolio.predictions.shipping import BATCH_ROWS, Shipping
from portfolio.store import Prediction

NO_SCORE = b'["7", "v1", "champion", ["pieces"], [["p", 1, null, 1, "", "", [3]]]]'


def filled(folder: Path, start: int, stop: int) -> Path:
    """A segment that its worker has let go of, ten predictions to a record."""
    before = set(segments(folder))
    written = journal(folder, Told())
    for number in range(start, stop, 10):
        written.append(AUTHOR, entries(number, min(number + 10, stop)))
    written.close()
    [path] = set(segments(folder)) - before
    return path


def test_a_row_says_all_of_its_prediction(tmp_path: Path) -> None:
    shelf = Shelf()
    journal(tmp_path, Told()).append(AUTHOR, [("p1", 1500, 0.25, None, "r1", "ann", [3, None, "red"])])
    Shipping(tmp_path, "toylate", shelf).look(1)
    [row] = shelf.rows.values()
    features = {"pieces": 3, "weight": None, "colour": "red"}
    assert row == Prediction("p1", row.at, "toylate", "7", "v1", "champion", features, 0.25, None, 1.5, "r1", "ann")


def test_a_segment_that_is_written_to_is_read_on(tmp_path: Path) -> None:
    shelf, written = Shelf(), journal(tmp_path, Told())
    shipping = Shipping(tmp_path, "toylate", shelf)
    for number in range(3):
        written.append(AUTHOR, [entry(number)])
        assert shipping.look(1)
        assert shelf.rows.keys() == names(0, number + 1)
    assert shelf.batches == [1, 1, 1]
    assert len(segments(tmp_path)) == 1
    written.close()
    shipping.look(1)
    assert (segments(tmp_path), shipping.shipped, shipping.stored) == ([], 3, {})


def test_large_segments_go_in_batches(tmp_path: Path) -> None:
    shelf = Shelf()
    filled(tmp_path, 0, 3 * BATCH_ROWS)
    Shipping(tmp_path, "toylate", shelf).look(1)
    assert shelf.rows.keys() == names(0, 3 * BATCH_ROWS)
    assert shelf.batches == [BATCH_ROWS] * 3


def test_nothing_is_deleted_while_the_store_is_away(tmp_path: Path) -> None:
    shelf = Shelf()
    paths = [filled(tmp_path, start, start + 100) for start in (0, 100, 200)]
    shipping = Shipping(tmp_path, "toylate", shelf)
    shelf.away = True
    for _ in range(3):
        with pytest.raises(StoreError):
            shipping.look(1)
    assert segments(tmp_path) == paths
    shelf.away = False
    assert shipping.look(1)
    assert (shelf.rows.keys(), segments(tmp_path), shipping.shipped) == (names(0, 300), [], 300)


def test_one_that_dies_between_storing_and_deleting_stores_nothing_twice(tmp_path: Path) -> None:
    shelf = Shelf()
    filled(tmp_path, 0, 5000)

    def dying(batch: object) -> int:
        if len(shelf.batches) == 1:
            shelf(batch)  # type: ignore[arg-type]
            raise KeyboardInterrupt
        return shelf(batch)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        Shipping(tmp_path, "toylate", dying).look(1)
    assert len(shelf.rows) == 4000
    again = Shipping(tmp_path, "toylate", shelf)
    again.look(1)
    assert (shelf.rows.keys(), again.shipped, segments(tmp_path)) == (names(0, 5000), 1000, [])


def test_a_torn_tail_is_dropped_and_counted(tmp_path: Path) -> None:
    shelf, path = Shelf(), filled(tmp_path, 0, 30)
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    shipping = Shipping(tmp_path, "toylate", shelf)
    shipping.look(1)
    assert (shelf.rows.keys(), shipping.torn, shipping.damaged, list(tmp_path.iterdir())) == (names(0, 20), 1, 0, [])


def test_what_is_just_being_written_is_no_torn_tail(tmp_path: Path) -> None:
    shelf, written = Shelf(), journal(tmp_path, Told())
    written.append(AUTHOR, entries(0, 10))
    [path] = segments(tmp_path)
    record = packed(b"half", rows=1, at=0)
    with path.open("ab") as file:
        file.write(record[:20])
    shipping = Shipping(tmp_path, "toylate", shelf)
    shipping.look(1)
    assert (len(shelf.rows), shipping.torn, segments(tmp_path)) == (10, 0, [path])


def test_a_damaged_segment_is_put_aside_and_its_other_records_are_stored(tmp_path: Path) -> None:
    shelf, path = Shelf(), filled(tmp_path, 0, 50)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    shipping = Shipping(tmp_path, "toylate", shelf)
    shipping.look(1)
    assert shelf.rows.keys() == names(0, 20) | names(30, 50)
    assert (shipping.torn, shipping.damaged) == (0, 1)
    assert list(tmp_path.iterdir()) == [path.with_suffix(".damaged")]
    shipping.look(1)
    assert shipping.damaged == 1


@pytest.mark.parametrize(
    "payload", [b"no json", b"[1, 2]", b'["7", "v1", "", [[1, 2]]]', b'["7", "v1", "", [3]]', NO_SCORE]
)
def test_a_record_of_another_release_is_put_aside(tmp_path: Path, payload: bytes) -> None:
    shelf, path = Shelf(), filled(tmp_path, 0, 10)
    with path.open("ab") as file:
        file.write(packed(payload, rows=1, at=0))
    shipping = Shipping(tmp_path, "toylate", shelf)
    shipping.look(1)
    assert (shelf.rows.keys(), shipping.damaged) == (names(0, 10), 1)
    assert list(tmp_path.iterdir()) == [path.with_suffix(".damaged")]


def test_two_shippers_of_one_folder_lose_and_double_nothing(tmp_path: Path) -> None:
    shelf, ill = Shelf(), Shelf()
    ill.away = True
    one, other = Shipping(tmp_path, "toylate", shelf), Shipping(tmp_path, "toylate", ill)
    filled(tmp_path, 0, 100)
    with pytest.raises(StoreError):
        other.look(1)
    assert len(segments(tmp_path)) == 1
    one.look(1)
    ill.away = False
    other.look(1)
    assert (shelf.rows.keys(), ill.rows, segments(tmp_path)) == (names(0, 100), {}, [])


def test_a_look_at_much_is_broken_off_and_gone_on_with(tmp_path: Path) -> None:
    shelf = Shelf()
    filled(tmp_path, 0, 3 * BATCH_ROWS)
    shipping = Shipping(tmp_path, "toylate", shelf)
    times = iter(range(100))
    looks = 1
    while not shipping.look(0.5, clock=lambda: float(next(times))):
        looks += 1
    assert (looks, shelf.batches, segments(tmp_path)) == (3, [BATCH_ROWS] * 3, [])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert Shipping(tmp_path / "nowhere", "toylate", Shelf()).look(1)


def test_a_store_that_comes_back_gets_what_one_that_was_lost_had(tmp_path: Path) -> None:
    shelf, written = Shelf(), journal(tmp_path, Told())
    shipping = Shipping(tmp_path, "toylate", shelf)
    written.append(AUTHOR, entries(0, 10))
    shipping.look(1)
    before = dict(shipping.stored)
    shelf.away = True
    written.append(AUTHOR, entries(10, 20))
    with pytest.raises(StoreError):
        shipping.look(1)
    assert shipping.stored == before  # what waits is told from it
    shelf.rows.clear()
    shelf.away = False
    shipping.look(1)
    assert shelf.rows.keys() == names(0, 20)
    assert list(shipping.stored.values()) == [segments(tmp_path)[0].stat().st_size]


def test_damage_that_is_read_again_is_counted_once(tmp_path: Path) -> None:
    shelf, written = Shelf(), journal(tmp_path, Told())
    shipping = Shipping(tmp_path, "toylate", shelf)
    written.append(AUTHOR, entries(0, 10))
    with segments(tmp_path)[0].open("ab") as file:
        file.write(b"dirt")
    written.append(AUTHOR, entries(10, 20))
    shipping.look(1)
    shelf.away = True
    written.append(AUTHOR, entries(20, 30))
    with pytest.raises(StoreError):
        shipping.look(1)
    shelf.away = False
    shipping.look(1)
    assert (shelf.rows.keys(), shipping.damaged) == (names(0, 30), 1)


def test_a_segment_that_cannot_be_read_keeps_none_behind_it(tmp_path: Path) -> None:
    shelf = Shelf()
    (tmp_path / "0.segment").mkdir()
    filled(tmp_path, 0, 50)
    shipping = Shipping(tmp_path, "toylate", shelf)
    assert shipping.look(1)
    assert shipping.look(1)
    assert (shelf.rows.keys(), shipping.damaged) == (names(0, 50), 1)
    assert segments(tmp_path) == [tmp_path / "0.segment"]


def test_an_entry_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    shelf, written = Shelf(), journal(tmp_path, Told())
    strange: Any = ("p9", 1, "much", 1, "", "", [3, None, "red"])
    short: Any = ("p8", 1, 0.5, 1, "", "", [3, None])
    written.append(AUTHOR, [*entries(0, 3), strange, short, *entries(3, 5)])
    written.close()
    shipping = Shipping(tmp_path, "toylate", shelf)
    shipping.look(1)
    assert (shelf.rows.keys(), shipping.damaged) == (names(0, 5), 1)
    assert [path.suffix for path in tmp_path.iterdir()] == [".damaged"]
