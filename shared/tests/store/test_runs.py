"""Monitoring runs, data sets and sums, in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from stores import BEGIN, RUN, prediction, predictions, ship

from portfolio.settings import Settings
from portfolio.store import (
    Dataset,
    Label,
    Sums,
    add_dataset,
    add_run,
    datasets,
    join,
    last_run,
    runs,
    summary,
)

DAY = timedelta(days=1)
DRIFT = [{"feature": "Age", "psi": 0.31, "state": "watch"}]
DATA = Dataset("toylate", "b1", "orders", "CC0", "0" * 64, True, 100, 1, 2, "abc", BEGIN)


def test_a_run_is_read_back_as_it_was_found(settings: Settings) -> None:
    number = add_run(RUN, settings)
    assert runs(settings) == (replace(RUN, id=number),)


def test_runs_are_told_newest_first_and_by_what_is_asked(settings: Settings) -> None:
    old = add_run(RUN, settings)
    unknown = add_run(replace(RUN, decision="unknown", at=BEGIN + DAY), settings)
    other = add_run(replace(RUN, project="toycost", at=BEGIN + 2 * DAY), settings)
    assert [run.id for run in runs(settings)] == [other, unknown, old]
    assert [run.id for run in runs(settings, limit=1)] == [other]
    assert [run.id for run in runs(settings, project="toylate", decided=True)] == [old]
    assert [run.id for run in runs(settings, project="toylate", since=BEGIN + DAY)] == [unknown]


def test_the_last_run_is_the_last_that_was_stored_of_as_many_days_as_the_service_looks_at(settings: Settings) -> None:
    add_run(replace(RUN, at=BEGIN + DAY), settings)  # by a clock that was ahead
    number = add_run(RUN, settings)
    add_run(replace(RUN, since=BEGIN - DAY), settings)  # by hand
    add_run(replace(RUN, project="toycost"), settings)
    last = last_run(settings, project="toylate")
    assert last == replace(RUN, id=number)
    assert summary("toylate", settings, now=BEGIN).last_run == replace(last, findings={"drift": DRIFT})


def test_a_data_set_is_known_once_for_each_bundle(settings: Settings) -> None:
    add_dataset(DATA, settings)
    add_dataset(replace(DATA, rows=7), settings)
    add_dataset(replace(DATA, bundle="b2", at=BEGIN + DAY), settings)
    assert datasets(settings, project="toylate") == (DATA, replace(DATA, bundle="b2", at=BEGIN + DAY))


def test_the_summary_adds_up_what_was_answered(settings: Settings) -> None:
    rows = predictions(200)
    ship(
        [*rows, *(prediction(1000 + n, role="shadow") for n in range(5)), prediction(999, project="toycost")], settings
    )
    found = summary("toylate", settings, now=rows[-1].at)
    scores = [row.score for row in rows]
    assert found.total.number == found.last_hour.number == 200
    assert found.total.positive == 50
    assert found.total.mean == pytest.approx(np.mean(scores))
    assert found.total.deviation == pytest.approx(np.std(scores))
    assert found.last_100 == Sums(100, 25, pytest.approx(np.mean(scores[100:])), pytest.approx(np.std(scores[100:])))
    assert (found.labels, found.coverage, found.delay_seconds, found.last_run) == (0, 0.0, None, None)


def test_the_last_hour_and_the_coverage_are_of_their_time(settings: Settings) -> None:
    rows = [prediction(n, at=BEGIN + n * timedelta(hours=12)) for n in range(20)]
    ship(rows, settings)
    labels = [Label(row.prediction_id, 1, row.at + n * timedelta(hours=1)) for n, row in enumerate(rows)][:17]
    join(labels, settings, lambda *_: "")
    found = summary("toylate", settings, now=rows[-1].at)
    assert found.last_hour.number == 1
    assert found.labels == 17
    assert found.coverage == pytest.approx(12 / 15)  # of the 15 of 7 days
    assert found.delay_seconds == pytest.approx(8 * 3600)


def test_amounts_have_no_positive_ones(settings: Settings) -> None:
    ship([prediction(n, decision=None, score=1e4 + n) for n in range(3)], settings)
    found = summary("toylate", settings, now=BEGIN)
    assert found.total.positive is found.last_100.positive is None
    assert found.total.deviation is not None
    assert math.isclose(found.total.deviation, np.std([0, 1, 2]), rel_tol=1e-3)


def test_the_summary_has_the_drift_of_the_last_run(settings: Settings) -> None:
    add_run(replace(RUN, decision="ok"), settings)
    add_run(RUN, settings)
    last = summary("toylate", settings, now=BEGIN).last_run
    assert last is not None
    assert last.decision == "watch"
    assert last.findings == {"drift": DRIFT}
