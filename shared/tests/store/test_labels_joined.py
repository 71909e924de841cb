"""Labels meet their predictions, in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from stores import BEGIN, address_of, prediction, predictions, ship

from portfolio.settings import Settings
from portfolio.store import Joined, Label, join, settle, summary, window

LATER = BEGIN + timedelta(hours=1)
ROWS = predictions(5)
IDS = [row.prediction_id for row in ROWS]
NOBODY = "00000000-0000-7000-8000-000000000000"
WRITER = """
import sys
from test_labels_joined import IDS, LATER
from portfolio.settings import Settings
from portfolio.store import Label, join
join([Label(id, float(sys.argv[2]), LATER) for id in IDS], Settings(database_url=sys.argv[1]), lambda *_: "")
"""


def bring(settings: Settings, *labels: tuple[str, float], **options: Any) -> Sequence[Joined]:
    return join([Label(name, value, LATER) for name, value in labels], settings, lambda *_: "", **options)


def outcomes(joined: Sequence[Joined]) -> list[str]:
    return [one.outcome for one in joined]


def recorded(settings: Settings) -> list[float | None]:
    found = window("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1))
    return [None if isnan(value) else value for value in found.labels.tolist()]


def aside(settings: Settings) -> list[tuple[str, str, float, str]]:
    engine = create_engine(address_of(settings))
    with engine.connect() as connection:
        query = text("SELECT prediction_id, reason, true_label, project FROM labels_aside ORDER BY id")
        rows = connection.execute(query).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def test_the_same_label_again_changes_nothing(settings: Settings) -> None:
    ship(ROWS, settings)
    assert outcomes(bring(settings, (IDS[0], 1), (IDS[1], 0))) == ["recorded", "recorded"]
    assert outcomes(bring(settings, (IDS[0], 1), (IDS[2], 1), (IDS[2], 1))) == ["repeated", "recorded", "repeated"]
    assert recorded(settings) == [1, 0, 1, None, None]
    assert aside(settings) == []
    assert summary("toylate", settings, now=LATER).labels == 3


def test_another_value_is_a_conflict_and_the_first_one_stays(settings: Settings) -> None:
    ship(ROWS, settings)
    bring(settings, (IDS[0], 1))
    (one,) = bring(settings, (IDS[0], 0))
    assert one == Joined(IDS[0], "conflict", "1 was recorded with the time 2026-01-02T04:04:05Z; that one stays")
    assert recorded(settings)[0] == 1
    assert aside(settings) == [(IDS[0], "conflict", 0, "toylate")]
    bring(settings, (IDS[0], 0))
    assert len(aside(settings)) == 1


def test_a_conflict_inside_one_batch_is_seen(settings: Settings) -> None:
    ship(ROWS, settings)
    assert outcomes(bring(settings, (IDS[0], 1), (IDS[0], 0), (IDS[0], 1))) == ["recorded", "conflict", "repeated"]
    assert recorded(settings)[0] == 1


def test_replacing_keeps_the_old_label_aside(settings: Settings) -> None:
    ship(ROWS, settings)
    bring(settings, (IDS[0], 1))
    assert outcomes(bring(settings, (IDS[0], 0), (IDS[1], 1), replace=True)) == ["replaced", "recorded"]
    assert recorded(settings)[:2] == [0, 1]
    assert aside(settings) == [(IDS[0], "replaced", 1, "toylate")]
    assert summary("toylate", settings, now=LATER).labels == 2


def test_a_label_of_a_prediction_that_is_not_there_waits_for_it(settings: Settings) -> None:
    ship(ROWS[:1], settings)
    (one,) = bring(settings, (IDS[3], 1))
    assert one.outcome == "unknown"
    assert "kept aside until it comes" in one.reason
    assert settle(settings, lambda *_: "") == 0
    assert aside(settings) == [(IDS[3], "unknown", 1, "")]
    ship(ROWS, settings)
    assert settle(settings, lambda *_: "", project="toylate") == 1
    assert recorded(settings) == [None, None, None, 1, None]
    assert aside(settings) == []
    assert summary("toylate", settings, now=LATER).labels == 1


def test_what_waited_and_is_overruled_by_then_stays_aside_as_a_conflict(settings: Settings) -> None:
    ship(ROWS[:1], settings)
    bring(settings, (IDS[3], 1), (NOBODY, 1))
    ship(ROWS, settings)
    bring(settings, (IDS[3], 0))
    assert settle(settings, lambda *_: "") == 0
    assert aside(settings) == [(NOBODY, "unknown", 1, ""), (IDS[3], "conflict", 1, "toylate")]
    assert recorded(settings)[3] == 0


def test_labels_of_another_project_are_unknown_to_an_api(settings: Settings) -> None:
    ship([*ROWS, prediction(9, project="toycost")], settings)
    foreign = prediction(9).prediction_id
    (one,) = bring(settings, (foreign, 1), project="toylate")
    assert one.outcome == "unknown"
    assert "no prediction of toylate" in one.reason
    assert settle(settings, lambda *_: "") == 0
    assert settle(settings, lambda *_: "", project="toycost") == 0
    assert aside(settings) == [(foreign, "unknown", 1, "toylate")]


def test_a_label_that_comes_again_with_another_time_is_kept_aside_once(settings: Settings) -> None:
    ship(ROWS, settings)
    bring(settings, (IDS[0], 1))
    for again in range(3):
        told = [Label(NOBODY, 1, LATER + timedelta(seconds=again)), Label(IDS[0], 0, LATER + timedelta(seconds=again))]
        join(told, settings, lambda *_: "")
    assert aside(settings) == [(NOBODY, "unknown", 1, ""), (IDS[0], "conflict", 0, "toylate")]


def test_every_label_that_was_overruled_is_kept_aside(settings: Settings) -> None:
    ship(ROWS, settings)
    for again, value in enumerate((1, 0, 1, 0)):
        join([Label(IDS[0], value, LATER + timedelta(seconds=again))], settings, lambda *_: "", replace=True)
    assert aside(settings) == [(IDS[0], "replaced", value, "toylate") for value in (1, 0, 1)]


def test_a_label_that_was_brought_to_the_wrong_project_first_does_not_hide_it_from_its_own(settings: Settings) -> None:
    ship(ROWS[:1], settings)
    for project in ("toycost", "toylate"):
        bring(settings, (IDS[3], 1), project=project)
    ship(ROWS, settings)
    assert settle(settings, lambda *_: "", project="toylate") == 1


def test_of_too_many_aside_the_oldest_go_and_that_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("portfolio.store.pruning.MOST_ASIDE", 3)
    ship(ROWS[:3], settings)
    for row in ROWS[:3]:
        bring(settings, (row.prediction_id, 1), (row.prediction_id, 0))
    bring(settings, *((row.prediction_id, 1) for row in predictions(20)[10:]))
    assert settle(settings, lambda *_: "") == 0
    left = aside(settings)
    assert [name for name, reason, *_ in left if reason == "unknown"] == [
        row.prediction_id for row in predictions(20)[-3:]
    ]
    assert len(left) == 6
    assert "too many labels aside" in "".join(capsys.readouterr())


def test_a_value_that_the_task_does_not_have_is_refused_and_kept_aside(settings: Settings) -> None:
    ship(ROWS, settings)
    fits = {("toylate", 2.0): "must be 0 or 1"}
    (one,) = join([Label(IDS[0], 2, LATER)], settings, lambda *asked: fits.get(asked, ""))
    assert one == Joined(IDS[0], "refused", "must be 0 or 1")
    assert recorded(settings)[0] is None
    assert aside(settings) == [(IDS[0], "refused", 2, "toylate")]


def test_more_labels_than_one_transaction_takes_are_all_recorded(settings: Settings) -> None:
    rows = predictions(6000)
    ship(rows, settings)
    joined = bring(settings, *((row.prediction_id, 1) for row in rows))
    assert set(outcomes(joined)) == {"recorded"}
    assert summary("toylate", settings, now=LATER).labels == 6000


def test_of_several_who_bring_different_labels_at_once_one_wins_and_the_rest_is_aside(settings: Settings) -> None:
    ship(ROWS, settings)
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    command = [sys.executable, "-c", WRITER, settings.database_url]
    writers = [
        subprocess.Popen([*command, str(value)], stderr=subprocess.PIPE, text=True, env=environment)
        for value in range(4)
    ]
    assert [writer.communicate(timeout=60)[1] for writer in writers] == [""] * 4
    assert len(set(recorded(settings))) == 1
    assert len(aside(settings)) == 3 * len(IDS)
    assert summary("toylate", settings, now=LATER).labels == len(IDS)
