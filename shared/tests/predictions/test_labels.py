"""What is a label, what is none, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from toys import COST, LATE

from portfolio.predictions.labels import fitting, label_of
from portfolio.store import Label

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "0198c5a0-1234-7abc-8def-0123456789ab"
GOOD: dict[str, Any] = {"prediction_id": ID, "true_label": 1}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, NOW),
        ({"label_timestamp": None}, NOW),
        ({"label_timestamp": ""}, NOW),
        ({"label_timestamp": "2026-02-01T10:00:00Z"}, datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ({"label_timestamp": "2026-02-01T10:00:00+02:00"}, datetime(2026, 2, 1, 8, tzinfo=UTC)),
        ({"label_timestamp": "2026-02-01T10:00:00"}, datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ({"label_timestamp": "2026-02-01 10:00"}, datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ({"label_timestamp": "2026-02-01"}, datetime(2026, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_in_utc_where_it_says_no_zone_and_now_where_there_is_none(
    said: dict[str, Any], meant: datetime
) -> None:
    assert label_of(GOOD | said, now=NOW) == Label(ID, 1.0, meant)


def test_an_id_is_the_same_in_capitals() -> None:
    made = label_of(GOOD | {"prediction_id": ID.upper(), "label_source": "crm"}, now=NOW)
    assert made == Label(ID, 1.0, NOW, "crm")


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"prediction_id": None}, "prediction_id", "must be the id of a prediction, a UUID"),
        ({"prediction_id": "42"}, "prediction_id", "must be the id of a prediction, a UUID"),
        ({"prediction_id": ID + "0"}, "prediction_id", "must be the id of a prediction, a UUID"),
        ({"true_label": None}, "true_label", "must be a number"),
        ({"true_label": "1"}, "true_label", "must be a number"),
        ({"true_label": True}, "true_label", "must be a number"),
        ({"true_label": float("nan")}, "true_label", "must be a number"),
        ({"true_label": float("inf")}, "true_label", "must be a number"),
        ({"true_label": 10**400}, "true_label", "must be a number"),
        ({"label_timestamp": "yesterday"}, "label_timestamp", "must be a time as ISO 8601 has it"),
        ({"label_timestamp": "2026-13-01"}, "label_timestamp", "must be a time as ISO 8601 has it"),
        ({"label_timestamp": 1767323045}, "label_timestamp", "must be a time as ISO 8601 has it"),
        ({"label_timestamp": "0001-01-01T00:00:00+14:00"}, "label_timestamp", "must be a time as ISO 8601 has it"),
        ({"label_timestamp": "2062-01-01"}, "label_timestamp", "must not lie in the future"),
        ({"label_source": 7}, "label_source", "must be a text of at most 200 printable characters, or nothing"),
        ({"label_source": "x" * 201}, "label_source", "must be a text of at most 200 printable characters, or nothing"),
        ({"label_source": "a\x00b"}, "label_source", "must be a text of at most 200 printable characters, or nothing"),
        ({"label": 1}, "label", "an unknown field"),
    ],
)
def test_what_is_wrong_is_told_by_field(values: dict[str, Any], field: str, message: str) -> None:
    (wrong,) = tuple(label_of(GOOD | values, now=NOW))  # type: ignore[arg-type]
    assert (wrong.field, wrong.message) == (field, message)


def test_a_clock_that_is_ahead_is_no_future() -> None:
    soon = NOW + timedelta(hours=23)
    assert label_of(GOOD | {"label_timestamp": soon.isoformat()}, now=NOW) == Label(ID, 1.0, soon)


@pytest.mark.parametrize(
    ("spec", "value", "allowed"),
    [
        (LATE, 2, "0 or 1"),
        (LATE, 0.5, "0 or 1"),
        (LATE, -1, "0 or 1"),
        (COST, 0, "a number above 0"),
        (COST, -5.0, "a number above 0"),
    ],
)
def test_a_value_fits_the_task(spec: Any, value: float, allowed: str) -> None:
    (wrong,) = tuple(label_of(GOOD | {"true_label": value}, now=NOW, task=spec.task))  # type: ignore[arg-type]
    assert wrong.allowed == allowed
    assert fitting(spec)(spec.name, value) == f"true_label must be {allowed} for {spec.name}"
    assert fitting(spec)(spec.name, 1) == ""


def test_any_number_fits_a_project_that_is_not_installed_here() -> None:
    assert fitting(None)("elsewhere", 17.0) == ""
    assert fitting(None)("bankchurn", 17.0) == "true_label must be 0 or 1 for bankchurn"
