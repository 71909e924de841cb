"""Predictions in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from stores import BEGIN, prediction, predictions, ship

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store import Label, Window, join, shipping, summary, window

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


def test_a_window_holds_the_newest_of_its_own_project_role_and_time(settings: Settings) -> None:
    others = [
        prediction(10, project="toycost"),
        prediction(11, role="shadow"),
        prediction(12, at=BEGIN - timedelta(microseconds=1)),
        prediction(13, at=BEGIN + timedelta(days=1)),
    ]
    ship(predictions(5) + others, settings)
    found = day(settings, most=2)
    assert found.total == 5
    assert found.prediction_ids == tuple(row.prediction_id for row in predictions(5)[3:])
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
