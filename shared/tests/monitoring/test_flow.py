"""Monitoring runs of a trained toy on a real store, with traffic of which the truth is known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import orjson
import pandas as pd
import pytest
from monitored import AT, Desk, desk, shuffled, with_store
from stores import ship
from toys import COST, LATE

from portfolio.errors import ModelNotAvailable
from portfolio.monitoring import flow
from portfolio.settings import MonitoringConfig
from portfolio.store import Deployment, Prediction, append, runs

pytestmark = pytest.mark.usefixtures("no_page")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk(LATE, tmp_path_factory.mktemp("late"))


@pytest.fixture
def late(trained: Desk, tmp_path: Path) -> Desk:
    return with_store(trained, tmp_path)


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is tested by itself; making it takes longer than all of this."""
    monkeypatch.setattr(flow, "write_report", lambda *_: "page.html")


def heavier(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(weight=table["weight"] * 2 + 5)


def test_traffic_like_the_test_rows_is_ok_and_stored(late: Desk) -> None:
    made, truth = late.served(600)
    late.told(made, truth["late"])
    run = late.run()
    assert (run.decision, run.rows, run.labelled) == ("ok", 600, 600)
    assert run.reasons == ("Nothing is beyond its limit.",)
    (kept,) = runs(late.settings, project="toylate")
    assert kept == run
    assert kept.id is not None
    assert (kept.bundle, kept.model_version) == (late.live.bundle, late.live.model_version)


def test_findings_keep_their_contract(late: Desk) -> None:
    made, truth = late.served(600)
    late.told(made[:400], truth["late"][:400])
    found = orjson.loads(orjson.dumps(late.run().findings))
    assert set(found) >= {
        "window", "labels", "quality", "drift", "drifted_share", "volume", "performance", "estimate", "hit_rate",
    }  # fmt: skip
    assert found["window"] == {
        "since": (AT - timedelta(days=1)).isoformat(),
        "until": AT.isoformat(),
        "rows": 600,
        "judged": 600,
        "refused": 0,
    }
    drift = {each["feature"]: each for each in found["drift"]}
    assert set(drift) == {"pieces", "weight", "colour", "note", "score"}
    assert set(drift["weight"]) == {
        *("feature", "psi", "by_chance", "test", "p_value", "wasserstein"),
        *("state", "missing", "missing_reference", "bins"),
    }
    assert (drift["weight"]["test"], drift["colour"]["test"]) == ("ks", "chi2")
    for each in drift.values():
        assert len(each["bins"]["labels"]) == len(each["bins"]["reference"]) == len(each["bins"]["current"])
        assert sum(each["bins"]["current"]) == pytest.approx(1, abs=1e-4)
    assert found["volume"] == {"per_hour": 25.0, "reference_per_hour": None, "state": "unknown"}
    performance = found["performance"]
    assert (performance["labelled"], performance["delay_seconds"]) == (400, 3600)
    assert performance["coverage"] == pytest.approx(2 / 3)
    test = late.live.test["f1"].value
    f1 = performance["metrics"]["f1"]
    assert f1["reference"] == test
    assert f1["change"] == pytest.approx((f1["value"] - test) / test)
    assert found["estimate"]["method"] == "CBPE"
    assert set(found["estimate"]["metrics"]) == {"roc_auc", "f1", "brier"}
    assert found["hit_rate"] is None


def test_rows_that_moved_ask_for_a_new_model_and_the_column_is_named(late: Desk) -> None:
    late.served(600, change=heavier)
    run = late.run()
    assert run.decision == "retrain"
    assert run.reasons[0].startswith(("weight: PSI", "score: PSI"))
    assert any(reason.startswith("weight: PSI") and "(limit 0.20;" in reason for reason in run.reasons)
    weight = next(each for each in run.findings["drift"] if each["feature"] == "weight")
    assert weight["p_value"] < 1e-6
    assert weight["wasserstein"] > 1
    quality = {each["feature"]: each for each in run.findings["quality"]}
    assert quality["weight"]["out_of_range"] > 0.2
    assert (quality["weight"]["state"], quality["pieces"]["state"]) == ("watch", "ok")


def test_drift_that_labels_show_the_model_copes_with_is_only_watched(late: Desk) -> None:
    made, truth = late.served(1500, change=lambda table: table.assign(colour="red"))
    late.told(made, truth["late"])  # the colour says nothing about the truth
    run = late.run()
    assert run.decision == "watch"
    assert run.reasons[0].startswith("colour: PSI")
    assert any("Labels show that the model copes: f1" in reason for reason in run.reasons)


def test_labels_that_prove_the_model_wrong_ask_for_a_new_one(late: Desk) -> None:
    made, truth = late.served(800)
    late.told(made, shuffled(truth["late"]))
    run = late.run()
    assert run.decision == "retrain"
    assert run.reasons[0].startswith("f1 ")
    assert "of 800 labels" in run.reasons[0]
    assert run.findings["performance"]["state"] == "act"


@pytest.fixture
def promoted(late: Desk) -> Iterator[Desk]:
    """A desk whose audit knows of a version before the live one, which is here, and is as good as the live one was."""
    at, root = AT - timedelta(hours=2), late.spec.root
    audit = Deployment(
        "a", at - timedelta(days=9), "ann", "toylate", "promote", "done", to_bundle="old", to_version="1"
    )
    append(audit, late.settings)
    audit = replace(audit, operation="o", at=at, from_bundle="old", from_version="1")
    append(replace(audit, to_bundle=late.live.bundle, to_version="2"), late.settings)
    shutil.copytree(root / "models" / late.live.bundle, root / "cache" / "old")
    yield late
    shutil.rmtree(root / "cache")


def turned(made: list[Prediction]) -> list[Prediction]:
    """The wrong answers."""
    return [replace(row, score=1 - row.score, decision=1 - (row.decision or 0)) for row in made]


def test_a_version_that_fails_is_rolled_back_where_the_one_before_answers_the_same_rows_well(promoted: Desk) -> None:
    made, truth = promoted.predicted(600)
    ship(turned(made), promoted.settings)
    promoted.told(made, truth["late"])
    run = promoted.run()
    assert run.decision == "roll back"
    assert any(reason.startswith("On the same labels version 1: f1") for reason in run.reasons)
    assert run.findings["before"]["state"] == "ok"
    assert (run.findings["before"]["version"], run.findings["before"]["labelled"]) == ("1", 600)


def test_a_world_that_changed_for_both_versions_asks_for_a_new_one(promoted: Desk) -> None:
    past, truth = promoted.served(600, seed=60, at=AT - timedelta(hours=3), bundle="old")
    promoted.told(past, truth["late"])  # it was fine while it was live
    made, truth = promoted.served(600)
    promoted.told(made, shuffled(truth["late"]))
    run = promoted.run()
    assert run.decision == "retrain"
    assert run.findings["before"]["state"] == "act"


def test_a_version_before_that_is_not_here_is_never_gone_back_to_blindly(promoted: Desk) -> None:
    (promoted.spec.root / "cache" / "old" / "model.onnx").unlink()
    made, truth = promoted.served(600)
    promoted.told(made, shuffled(truth["late"]))
    run = promoted.run()
    assert run.decision == "retrain"
    assert "portfolio diff toylate 1 champion" in run.reasons[-1]


def test_no_predictions_are_unknown_and_no_reason_to_be_calm(late: Desk) -> None:
    run = late.run()
    assert run.decision == "unknown"
    assert run.reasons == ("No prediction of the last 1 days can be judged.",)
    assert runs(late.settings)[0].decision == "unknown"
    assert runs(late.settings)[0].findings["window"]["rows"] == 0


def test_a_handful_of_rows_is_unknown(late: Desk) -> None:
    late.served(30)
    run = late.run()
    assert run.decision == "unknown"
    assert "So few rows could differ" in run.reasons[0]


def test_rows_that_the_request_of_today_refuses_are_left_out_and_counted(late: Desk) -> None:
    made, _ = late.predicted(600)
    broken = [
        replace(made[0], features=made[0].features | {"pieces": "three"}),
        replace(made[1], features=made[1].features | {"pieces": 900}),
        replace(made[2], features=made[2].features | {"colour": "green"}),
    ]
    ship([*broken, *made[3:]], late.settings)
    assert late.run().findings["window"] | {"since": "", "until": ""} == {
        "since": "", "until": "", "rows": 600, "judged": 597, "refused": 3,
    }  # fmt: skip


def test_only_rows_of_the_live_version_speak_for_its_performance(late: Desk) -> None:
    other, truth = late.served(300, seed=60, bundle="another")
    late.told(other, shuffled(truth["late"]))
    made, truth = late.served(600, at=AT - timedelta(hours=3))
    late.told(made, truth["late"])
    run = late.run()
    assert run.findings["performance"]["labelled"] == 600
    assert run.findings["performance"]["state"] == "ok"
    assert run.labelled == 900


def test_labels_of_the_oldest_predictions_judge_however_many_came_after(
    late: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, truth = late.served(1200)
    late.told(made[:300], shuffled(truth["late"][:300]))
    monkeypatch.setattr(flow, "read", partial(flow.read, most=500))
    run = late.run()
    assert (run.rows, run.labelled, run.findings["window"]["judged"]) == (1200, 300, 400)
    assert run.findings["labels"] == {"labelled": 300, "coverage": 0.25, "delay_seconds": 3600}
    performance = run.findings["performance"]
    assert (performance["labelled"], performance["coverage"], performance["state"]) == (300, 0.25, "act")


def test_labels_are_told_of_where_none_came_and_where_they_are_anothers(late: Desk) -> None:
    made, truth = late.served(600, bundle="another")
    assert late.run().findings["labels"] == {"labelled": 0, "coverage": 0.0, "delay_seconds": None}
    late.told(made[:60], truth["late"][:60])
    found = late.run().findings
    assert found["labels"] == {"labelled": 60, "coverage": 0.1, "delay_seconds": 3600}
    assert found["performance"] is None


def test_few_labels_do_not_judge(late: Desk) -> None:
    made, truth = late.served(600)
    late.told(made[:50], shuffled(truth["late"])[:50])
    run = late.run()
    assert run.decision == "ok"
    assert "50 labels have come, and 100 are needed to judge by." in run.reasons
    assert late.run(policy=MonitoringConfig(labels=10)).findings["performance"]["metrics"]


def test_labels_of_one_outcome_judge_nothing_and_break_nothing(late: Desk) -> None:
    made, _ = late.served(600)
    late.told(made, pd.Series([0] * 600))
    assert "roc_auc" not in late.run().findings["performance"]["metrics"]


def test_volume_is_beside_that_of_the_spans_before(late: Desk) -> None:
    for days in range(1, 5):
        late.served(100, seed=days, at=AT - timedelta(days=days))
    late.served(600)
    run = late.run()
    assert run.findings["volume"] == {"per_hour": 25.0, "reference_per_hour": pytest.approx(100 / 24), "state": "watch"}
    assert run.decision == "watch"
    assert run.reasons == ("25 predictions an hour, 4.17 in the spans before.",)


def test_an_amount_is_judged_by_its_labels_and_estimated_by_nothing(tmp_path: Path) -> None:
    cost = desk(COST, tmp_path)
    made, truth = cost.served(600)
    assert cost.run().findings["estimate"] is None
    cost.told(made, truth["cost"])
    run = cost.run()
    assert run.decision == "ok"
    metrics = run.findings["performance"]["metrics"]
    assert metrics["coverage"]["value"] == pytest.approx(0.8, abs=0.1)
    assert metrics["mae"]["reference"] == cost.live.test["mae"].value


def test_without_a_model_there_is_nothing_to_judge(late: Desk, tmp_path: Path) -> None:
    with pytest.raises(ModelNotAvailable, match="make train PROJECT=toylate"):
        replace(late, spec=replace(late.spec, folder=tmp_path)).run()
