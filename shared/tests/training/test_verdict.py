"""What the gate said about a run: in the bundle, on the card, in the registry, as an exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from mlflows import mlflow_server
from runs import CONFIG, NOW, OFFLINE, run, with_rows
from toys import LATE

from portfolio.data import source
from portfolio.data import table as tables
from portfolio.errors import StoreError
from portfolio.pointer import read_current
from portfolio.promotion import report
from portfolio.settings import Config, GateConfig, Override
from portfolio.spec import AtLeast, BundleAtMost, Cooldown, Improves, MinLabelCoverage, ModelSpec, Rule
from portfolio.training import command
from portfolio.training.flow import Order, train

FLOOR = AtLeast("roc_auc", 0.9999)


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return with_rows(LATE, tmp_path / "late")


@pytest.mark.parametrize("rules", [(), (FLOOR,)], ids=["promote", "block"])
def test_the_bundle_carries_its_verdict_rejected_or_not(spec: ModelSpec, rules: tuple[Rule, ...]) -> None:
    trained = run(replace(spec, rules=rules))
    assert trained.manifest.verdict == trained.verdict
    card = (trained.bundle / "model_card.md").read_text()
    assert f"**{trained.verdict.decision}**, without a champion" in card
    for check in trained.verdict.checks:
        assert f"| {check.rule} | " in card


def test_any_model_is_asked_for_rows_labels_and_the_budgets_of_its_bundle(spec: ModelSpec) -> None:
    values = {check.rule: check.value for check in run(spec).verdict.checks}
    assert values["test rows >= 200"] == 279
    assert values["label coverage >= 0.95"] == 1
    assert 0.01 < (values["bundle megabytes <= 25"] or 0) < 1
    assert 0.005 < (values["bundle milliseconds <= 5"] or 0) < 5
    assert 0 < (values["bundle parity <= 5e-05"] or 0) < 5e-5


def test_a_budget_that_is_exceeded_blocks(spec: ModelSpec) -> None:
    trained = run(replace(spec, rules=(BundleAtMost("megabytes", 0.001), BundleAtMost("milliseconds", 1e-6))))
    assert trained.verdict.decision == "block"
    assert trained.verdict.failed == ("bundle megabytes <= 0.001", "bundle milliseconds <= 1e-06")


def test_rows_without_a_label_count_against_label_coverage(spec: ModelSpec) -> None:
    path = spec.root / "data" / "raw" / "orders.csv"
    rows = pd.read_csv(path)
    rows["late"] = rows["late"].astype("Int64")
    rows.loc[:29, "late"] = pd.NA
    rows.to_csv(path, index=False)
    trained = run(replace(spec, rules=(MinLabelCoverage(0.99),)))
    assert trained.verdict.failed == ("label coverage >= 0.99",)
    loaded = tables.load(spec, source.find(spec), max_bad_rows=100, bad_rows_path=spec.root / "bad.csv")
    assert loaded.label_coverage == pytest.approx(1470 / 1500)


@pytest.mark.parametrize("rule", [Improves("f1", by=0.02), Cooldown(24)])
def test_a_successor_that_wins_nothing_or_comes_too_soon_leaves_the_champion(spec: ModelSpec, rule: Rule) -> None:
    guarded = replace(spec, rules=(rule,))
    champion = run(guarded)
    later = run(guarded, Order(now=NOW.replace(hour=9), effort="quick"))
    assert (later.verdict.decision, later.verdict.failed) == ("keep", (rule.name,))
    assert later.verdict.champion == champion.manifest.version
    assert not later.published.live
    current = read_current(spec.root / "models" / "current")
    assert current is not None
    assert current.bundle == champion.bundle.name
    if isinstance(rule, Cooldown):
        assert run(guarded, Order(now=NOW.replace(day=4), effort="quick")).verdict.decision == "promote"


def test_an_override_in_the_configuration_lets_a_model_through_and_is_told(spec: ModelSpec) -> None:
    override = Override(rule=FLOOR.name, limit=0.5, reason="a short month")
    config = CONFIG.model_copy(update={"gate": GateConfig(overrides=(override,))})
    trained = train(replace(spec, rules=(FLOOR,)), Order(now=NOW, effort="quick"), config, OFFLINE, lambda *_: None)
    assert trained.verdict.decision == "promote"
    assert "(limit overridden: a short month)" in (trained.bundle / "model_card.md").read_text()


def test_the_registry_holds_the_verdict_of_blocked_versions_too(spec: ModelSpec, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    guarded = replace(spec, name="toyverdict", rules=(FLOOR,))
    with mlflow_server(tmp_path) as settings:
        trained = train(guarded, Order(now=NOW, effort="quick", register=True), CONFIG, settings, lambda *_: None)
        client = MlflowClient(settings.mlflow_tracking_uri)
        version = client.get_model_version("toyverdict", "1")
        assert version.tags["verdict"] == "block"
        assert json.loads(version.tags["verdict_failed"]) == [FLOOR.name]
        path = client.download_artifacts(version.run_id, "verdict.json", str(spec.root))
        stored = json.loads(Path(path).read_text())
        assert report.verdict(guarded, 1, settings) == trained.verdict
    assert stored["decision"] == "block"
    assert [check["rule"] for check in stored["checks"]] == [check.rule for check in trained.verdict.checks]


def test_a_store_that_cannot_be_written_to_is_told_before_anything_is_trained(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////dev/null/portfolio.db")
    monkeypatch.setattr("portfolio.registry.reachable", lambda _: True)
    with pytest.raises(StoreError, match="does not answer"):
        command.run_training(spec, effort="quick", data_path=None, register=None)
    assert not (spec.root / "models").exists()


@pytest.mark.parametrize(("rules", "code"), [((), 0), ((Improves("f1", by=0.02),), 2), ((FLOOR,), 3)])
def test_the_command_ends_with_what_the_gate_said(
    spec: ModelSpec, rules: tuple[Rule, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(spec)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setattr(command, "read_config", lambda _: Config.model_validate(CONFIG.model_dump()))
    judged = replace(spec, rules=rules)
    assert command.run_training(judged, effort="quick", data_path=None, register=None) == code
