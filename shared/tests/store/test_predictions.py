"""Predictions in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from stores import BEGIN, prediction, predictions, ship

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store import Counted, Label, Window, counted, join, labelled_window, shipping, summary, total, window

HOUR = timedelta(hours=1)


def day(settings: Settings, **options: object) -> Window:
    return window("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1), **options)  # type: ignore[arg-type]


def test_what_is_shipped_is_read_back_as_columns(settings: Settings) -> None:
    rows = [replace(row, decision=None) if number == 1 else row for number, row in enumerate(predictions(3))]
    assert ship(rows, settings) == 3
    found = day(settings)
    assert found.total == 3
    assert found.prediction_ids == tuple(row.prediction_id for row in rows)
    assert found.features == tuple(row.features for row in rows)
    assert found.versions == ("2",) * 3
    assert found.bundles == ("20260102T030405Z-abcdef",) * 3
    np.testing.assert_array_equal(found.at, [row.at.timestamp() for row in rows])
    np.testing.assert_array_equal(found.scores, [0.0, 0.01, 0.02])
    np.testing.assert_array_equal(found.decisions, [1.0, np.nan, 0.0])
    assert np.isnan(found.labels).all()
    assert np.isnan(found.delays).all()


def test_a_batch_that_is_shipped_again_is_counted_once(settings: Settings) -> None:
    rows = predictions(1000)
    with shipping(settings) as send:
        assert send(rows[:600]) == 600
        assert send(rows[400:]) == 400
        assert send([rows[0], rows[0]]) == 0
        assert send([]) == 0
    assert day(settings).total == 1000
    assert summary("toylate", settings, now=BEGIN).total.number == 1000


def test_a_window_holds_rows_of_its_own_project_role_and_time(settings: Settings) -> None:
    others = [
        prediction(10, project="toycost"),
        prediction(11, role="shadow"),
        prediction(12, at=BEGIN - timedelta(microseconds=1)),
        prediction(13, at=BEGIN + timedelta(days=1)),
    ]
    ship(predictions(5) + others, settings)
    found = day(settings)
    assert found.total == 5
    assert found.prediction_ids == tuple(row.prediction_id for row in predictions(5))
    assert total("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1)) == 5


@pytest.mark.parametrize(("most", "shown"), [(10, range(10)), (9, range(1, 10, 2)), (3, [3, 7]), (1, [9])])
def test_of_a_large_window_rows_are_shown_that_are_spread_evenly(
    settings: Settings, most: int, shown: Sequence[int]
) -> None:
    rows = predictions(10)
    ship(rows, settings)
    found = day(settings, most=most)
    assert found.total == 10
    assert found.prediction_ids == tuple(rows[number].prediction_id for number in shown)


def test_labels_are_found_and_counted_however_old_their_predictions_are(settings: Settings) -> None:
    rows = [prediction(number, bundle="new" if number >= 4 else "old") for number in range(100)]
    ship([*rows, prediction(200, role="shadow"), prediction(201, project="toycost")], settings)
    given = [Label(rows[number].prediction_id, 1.0, rows[number].at + HOUR * (1 + number)) for number in (0, 4, 5, 6)]
    join(given, settings, lambda *_: "")
    day_of = {"since": BEGIN, "until": BEGIN + timedelta(days=1)}
    numbers = counted("toylate", settings, **day_of)
    assert (numbers.predictions, numbers.labelled) == ({"old": 4, "new": 96}, {"old": 1, "new": 3})
    assert numbers.delay_seconds == 3600 * 5.5
    found = labelled_window("toylate", settings, **day_of, bundle="new", most=2)
    assert found.prediction_ids == (rows[5].prediction_id, rows[6].prediction_id)
    assert found.labels.tolist() == [1.0, 1.0]
    assert counted("nobody", settings, **day_of) == Counted({}, {}, None)
    assert day(settings, role="shadow").total == 1


def test_a_store_that_nobody_has_written_to_has_an_empty_window(server: str) -> None:
    found = day(Settings(database_url=server))
    assert (found.total, found.prediction_ids, len(found.scores)) == (0, (), 0)
    assert summary("toylate", Settings(database_url=server), now=BEGIN).total.number == 0


def test_a_label_is_in_the_window_with_its_delay(settings: Settings) -> None:
    ship(predictions(3), settings)
    ids = [row.prediction_id for row in predictions(3)]
    labels = [Label(ids[0], 1, BEGIN + 2 * HOUR), Label(ids[2], 0, BEGIN - HOUR, "ledger")]
    join(labels, settings, lambda project, value: "")
    found = day(settings)
    np.testing.assert_array_equal(found.labels, [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(found.delays, [7200.0, np.nan, 0.0])


def test_an_error_of_whoever_ships_is_not_the_stores(settings: Settings) -> None:
    with pytest.raises(OSError, match="segment"), shipping(settings):
        raise OSError("a segment is gone")


def test_a_batch_that_the_database_refuses_is_a_store_error_and_leaves_nothing(settings: Settings) -> None:
    rows = predictions(3)
    with shipping(settings) as send:
        with pytest.raises(StoreError):
            send([*rows, prediction(4, model_version=None)])
        assert send(rows) == 3
    assert day(settings).total == 3


def test_any_text_that_a_caller_sends_can_be_stored(settings: Settings) -> None:
    """PostgreSQL holds no zero character: one row with it must not keep all others out."""
    notes = [
        "\x00",
        "a\x00\x00b",
        "\\u0000",
        "\\\x00",
        "'; DROP TABLE labels; --",
        '"\\',
        ":document",
        "%s",
        "\U0001f600",
    ]
    ship([prediction(number, features={"note": note}) for number, note in enumerate(notes)], settings)
    zero = "\x00" if settings.database_url.startswith("sqlite") else "\ufffd"
    assert [row["note"] for row in day(settings).features] == [note.replace("\x00", zero) for note in notes]
