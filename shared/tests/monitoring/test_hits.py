"""How often estimated bands held the truth, over runs of a trained toy on a real store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from monitored import AT, Desk, desk, shuffled, with_store
from toys import LATE

from portfolio.monitoring import flow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk(LATE, tmp_path_factory.mktemp("late"))


@pytest.fixture
def late(trained: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(flow, "write_report", lambda *_: "page.html")
    return with_store(trained, tmp_path)


def test_a_band_waits_for_its_labels_and_is_then_judged_once(late: Desk) -> None:
    made, truth = late.served(600, at=AT - timedelta(hours=20))
    assert late.run().findings["hit_rate"] is None
    late.told(made, truth["late"])
    assert late.run(now=AT + timedelta(minutes=5)).findings["hit_rate"] == {"hits": 1, "of": 1}
    assert late.run(now=AT + timedelta(minutes=10)).findings["hit_rate"] == {"hits": 1, "of": 1}


def test_a_run_without_predictions_forgets_neither_hits_nor_bands(late: Desk) -> None:
    made, truth = late.served(600, at=AT - timedelta(hours=20))
    late.run()
    later = late.run(now=AT + timedelta(days=2))
    assert later.decision == "unknown"
    late.told(made, truth["late"])
    assert late.run(now=AT + timedelta(days=3)).findings["hit_rate"] == {"hits": 1, "of": 1}
    assert late.run(now=AT + timedelta(days=4)).findings["hit_rate"] == {"hits": 1, "of": 1}


def test_a_prediction_is_in_one_band_alone(late: Desk) -> None:
    for day in range(3):
        late.served(300, seed=60 + day, at=AT + timedelta(days=day))
    for hours in range(0, 49, 6):
        bands = late.run(now=AT + timedelta(hours=hours)).findings["bands"]["waiting"]
    assert [band["until"] for band in bands] == [(AT + timedelta(days=day)).isoformat() for day in range(3)]


def test_a_band_whose_labels_never_come_holds_up_no_other(late: Desk) -> None:
    late.served(300, seed=60)
    late.run()
    made, truth = late.served(600, at=AT + timedelta(days=1))
    late.run(now=AT + timedelta(days=1))
    late.told(made, truth["late"])
    found = late.run(now=AT + timedelta(days=1, minutes=5)).findings
    assert found["hit_rate"] == {"hits": 1, "of": 1}
    assert [band["until"] for band in found["bands"]["waiting"]] == [AT.isoformat()]


def test_a_band_that_missed_counts_as_a_miss(late: Desk) -> None:
    made, truth = late.served(600, at=AT - timedelta(hours=20))
    late.run()
    late.told(made, shuffled(truth["late"]))
    assert late.run(now=AT + timedelta(minutes=5)).findings["hit_rate"] == {"hits": 0, "of": 1}
