"""A whole run on a toy: bundle, verdict, what serving loads, and what is repeatable."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from runs import CONFIG, NOW, OFFLINE, run, table, with_rows
from toys import COST, LATE

from portfolio.bundle import load, read_trust
from portfolio.errors import DataError, RegistryError
from portfolio.pointer import read_current
from portfolio.settings import Settings, read_settings
from portfolio.spec import AtLeast, AtMost, Dataset, ModelSpec, NoWorse
from portfolio.training.flow import Order, train


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return with_rows(LATE, tmp_path / "late")


def test_a_run_leaves_a_bundle_that_loads_and_that_serving_is_pointed_to(spec: ModelSpec) -> None:
    trained = run(spec)
    assert trained.verdict.decision == "promote"
    assert trained.bundle.name.startswith("20260102T030405Z-")
    assert load(trained.bundle, spec, read_trust(read_settings())).manifest == trained.manifest
    current = read_current(spec.root / "models" / "current")
    assert current is not None
    assert (current.bundle, current.model_version) == (trained.bundle.name, trained.manifest.version)
    assert [path.name for path in (spec.root / "models").iterdir() if path.name.startswith(".")] == []


def test_the_manifest_tells_what_was_done(spec: ModelSpec) -> None:
    manifest = run(replace(spec, slices=("colour",))).manifest
    assert manifest.data.name.startswith("unlisted data")
    assert manifest.train_rows + manifest.test_rows == manifest.data.rows == 1500
    assert set(manifest.metrics) == {"model", "dummy", "defaults"}
    assert manifest.metrics["model"]["roc_auc"].value > manifest.metrics["dummy"]["roc_auc"].value + 0.2
    assert manifest.attribution["load"] == ("pieces", "weight")
    assert sum(manifest.slice_sizes["colour"].values()) <= manifest.test_rows
    assert manifest.slice_sizes["colour"].keys() == manifest.slices["colour"].keys()
    assert manifest.parity.kinds == {
        "train rows": 2000,
        "missing cells": 2000,
        "unseen texts": 2000,
        "next to thresholds": 2000,
    }
    assert manifest.repeatable
    assert sum(manifest.importance.values()) == pytest.approx(1)


def test_the_same_seed_and_budget_give_the_same_graph_to_the_byte(spec: ModelSpec) -> None:
    first = run(spec, Order(now=NOW, effort="full")).bundle
    again = run(spec, Order(now=NOW.replace(year=2027), effort="full")).bundle
    assert first != again
    assert (first / "model.onnx").read_bytes() == (again / "model.onnx").read_bytes()


def test_a_search_that_its_brake_cut_short_says_that_it_is_not_repeatable(spec: ModelSpec) -> None:
    trained = run(spec, Order(now=NOW, effort="demo"))
    assert not trained.manifest.repeatable
    assert "not, the search" not in (trained.bundle / "model_card.md").read_text()
    assert "no, the search was ended" in (trained.bundle / "model_card.md").read_text()


def test_progress_counts_the_trials(spec: ModelSpec) -> None:
    seen: list[tuple[str, int, int]] = []
    run(spec, Order(now=NOW, effort="full"), lambda *step: seen.append(step))
    assert seen == [("linear", 0, 3), ("lightgbm", 1, 3), ("lightgbm", 2, 3), ("lightgbm", 3, 3)]


def test_a_blocked_model_is_kept_but_not_served(spec: ModelSpec) -> None:
    strict = replace(spec, rules=(AtLeast("roc_auc", 0.9999),))
    trained = run(strict)
    assert (trained.verdict.decision, trained.published.live) == ("block", False)
    assert trained.bundle.is_dir()
    assert read_current(spec.root / "models" / "current") is None
    assert json.loads((spec.root / "models" / "metrics.json").read_text())["verdict"]["decision"] == "block"


def test_on_the_synthetic_sample_floors_advise_and_the_card_says_synthetic(spec: ModelSpec) -> None:
    from portfolio.data.source import find

    twin = Dataset(name="Orders twin", licence="CC0", sha256=(find(spec).sha256,), synthetic=True)
    synthetic = replace(spec, rules=(AtLeast("roc_auc", 0.9999),), source=replace(spec.source, datasets=(twin,)))
    trained = run(synthetic)
    assert trained.verdict.decision == "promote"
    assert "Orders twin (synthetic sample)" in (trained.bundle / "model_card.md").read_text()


def test_a_worse_successor_is_kept_out_by_the_champion_on_the_same_rows(spec: ModelSpec) -> None:
    guarded = replace(spec, rules=(NoWorse("roc_auc", by=0.01),))
    champion = run(guarded)
    shuffled = pd.read_csv(spec.root / "data" / "raw" / "orders.csv")
    train_rows = shuffled.sample(frac=1, random_state=1).reset_index(drop=True)
    # labels of the training part are shuffled, those of the test part are true: the model is bad, the judge is not
    from portfolio.data import source, split
    from portfolio.data import table as tables

    rows = tables.load(spec, source.find(spec), max_bad_rows=0, bad_rows_path=spec.root / "bad.csv")
    tested = split.is_test(rows.keys, salt=42)
    shuffled.loc[~tested, "late"] = train_rows["late"][~tested].to_numpy()
    shuffled.to_csv(spec.root / "data" / "raw" / "orders.csv", index=False)
    trained = run(guarded, Order(now=NOW.replace(hour=9), effort="quick"))
    assert trained.verdict.decision == "block"
    assert "no worse than champion" in trained.verdict.reasons[0]
    current = read_current(spec.root / "models" / "current")
    assert current is not None
    assert current.bundle == champion.bundle.name


def test_an_amount_has_an_interval_and_its_data_can_be_opened(tmp_path: Path) -> None:
    import gzip

    spec = with_rows(replace(COST, rules=(AtMost("mape", 0.4),)), tmp_path / "cost")
    path = spec.root / "data" / "raw" / "orders.csv"
    table().assign(cost=lambda rows: rows["cost"].mask(rows.index < 7, 5000)).to_csv(path, index=False)
    trained = run(spec)
    assert trained.verdict.decision == "promote"
    assert 0.7 < trained.manifest.metrics["model"]["coverage"].value < 0.9
    opened = json.loads(gzip.decompress((trained.bundle / "data.json.gz").read_bytes()))
    columns = opened["columns"]
    assert {len(values) for values in columns.values()} == {opened["rows"]}
    assert (opened["rows"], columns["cost"][-7:]) == (1500, [5000] * 7)
    judged = [columns[name] for name in ("prediction_low", "prediction", "prediction_high")]
    assert [values[-7:] for values in judged] == [[None] * 7] * 3
    low, price, high = (np.array(values[:-7], float) for values in judged)
    assert ((low < price) & (price < high)).all()
    assert None in columns["weight"]


def test_nothing_is_left_when_a_run_fails_halfway(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("portfolio.training.assemble.seal", full)
    with pytest.raises(OSError, match="no space"):
        run(spec)
    assert list((spec.root / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("cut", "reason"),
    [(lambda rows: rows.head(30), "too few rows"), (lambda rows: rows.assign(late=0), "only one value of late")],
    ids=["few rows", "one class"],
)
def test_data_that_nothing_can_be_learned_from_is_one_clear_error(
    spec: ModelSpec, cut: Callable[[pd.DataFrame], pd.DataFrame], reason: str
) -> None:
    cut(table()).to_csv(spec.root / "data" / "raw" / "orders.csv", index=False)
    with pytest.raises(DataError, match=reason):
        run(spec)


def test_a_named_file_that_is_missing_stops_the_run_before_it_starts(spec: ModelSpec) -> None:
    with pytest.raises(DataError, match="no file"):
        run(spec, Order(now=NOW, data_path=Path("missing.csv")))


def test_registering_without_a_server_is_an_error_with_a_remedy(spec: ModelSpec) -> None:
    nowhere = Settings(mlflow_tracking_uri="http://127.0.0.1:9")
    with pytest.raises(RegistryError, match="make mlflow"):
        train(spec, Order(now=NOW, effort="quick", register=True), CONFIG, nowhere, lambda *_: None)


def test_another_seed_never_moves_a_row_into_the_test_part(spec: ModelSpec) -> None:
    # or a champion would be judged on rows that it trained on
    manifests = [
        train(
            spec,
            Order(now=NOW.replace(hour=hour), effort="quick"),
            CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"seed": seed})}),
            OFFLINE,
            lambda *_: None,
        ).manifest
        for hour, seed in ((1, 1), (2, 2))
    ]
    first, second = ([row.request for row in manifest.golden] for manifest in manifests)
    assert first == second


def test_refused_rows_are_told_and_listed(spec: ModelSpec) -> None:
    path = spec.root / "data" / "raw" / "orders.csv"
    path.write_text(path.read_text() + "12,2.5,red,ok,1,20\n")
    trained = run(spec)
    assert [str(breach) for breach in trained.refused.breaches] == [
        "pieces: must be at most 9: 1 row(s), for example 12.0"
    ]
    assert trained.bad_rows.read_text().splitlines()[1].startswith("1502,pieces: must be at most 9,12")
    assert trained.manifest.data.refused == 1
