"""A retraining from the mirror's data to the champion's alias, against a real MLflow server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflows import mlflow_server
from running_api import Api, serving
from toys import LATE, SOURCE, orders, project

from portfolio import registry
from portfolio.bundle.keys import make_keys
from portfolio.data import source, split
from portfolio.data import table as tables
from portfolio.errors import ConfigError, DataError, RegistryError
from portfolio.promotion.flow import promote
from portfolio.settings import Settings
from portfolio.spec import Improves, ModelSpec, NoWorse
from portfolio.training.retrain_command import run_retraining

ROOT = Path(__file__).parents[3]
TRAINING = {
    "folds": 3,
    "bootstrap": 100,
    "budgets": {"quick": {"trials": 1, "seconds": 60}},
    "trees": {"first": {"n_estimators": 30, "num_leaves": 8, "learning_rate": 0.1}},
}
RULES = (NoWorse("roc_auc", by=0.02),)


def table(*, seed: int = 3) -> pd.DataFrame:
    """Orders that are late by a rule which can be learned."""
    rows, random = pd.DataFrame(orders(1500, seed=seed)), np.random.default_rng(seed)
    score = (rows["pieces"] - 5).abs() + (rows["note"] == "express") * 2 - 3
    return rows.assign(late=(random.random(len(rows)) < 1 / (1 + np.exp(-3 * score))).astype(int))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as settings:
        yield settings


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The file in the mirror."""
    path = tmp_path / "mirror" / "toy" / "orders.csv"
    path.parent.mkdir(parents=True)
    table().to_csv(path, index=False)
    return path


@pytest.fixture
def settings(server: Settings, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those that the command reads: a key of this test's own, its mirror, the server."""
    key = tmp_path / "keys" / "bundle.key"
    make_keys(key, key.with_suffix(".pub"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.mlflow_tracking_uri)
    monkeypatch.setenv("DATA_MIRROR", str(mirror.parents[1]))
    monkeypatch.setenv("SIGNING_KEY", str(key))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    return Settings()


@pytest.fixture
def spec(tmp_path: Path, request: pytest.FixtureRequest, settings: Settings) -> ModelSpec:
    """A project that no other test has registered anything of."""
    named = replace(LATE, name=f"toy-{abs(hash(request.node.name))}", rules=RULES)
    placed = project(replace(named, source=replace(SOURCE, mirror="toy/orders.csv", url="nowhere:")), tmp_path / "late")
    config = placed.root / "configs" / "config.yaml"
    config.write_text(config.read_text() + yaml.safe_dump({"training": TRAINING}))
    return placed


def retrain(spec: ModelSpec, data_path: Path | None = None) -> int:
    return run_retraining(spec, effort="quick", data_path=data_path)


def champion(spec: ModelSpec, settings: Settings) -> str:
    found = registry.champion(spec.name, settings)
    return found.version if found else ""


def reports(spec: ModelSpec) -> list[tuple[dict[str, Any], str]]:
    """JSON and page of every retraining, oldest first."""
    pages = sorted((spec.root / "models" / "reports").glob("*.md"), key=lambda page: page.stat().st_mtime_ns)
    return [(json.loads(page.with_suffix(".json").read_text()), page.read_text()) for page in pages]


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_the_first_one_makes_the_champion_from_the_mirrors_data(
    spec: ModelSpec, settings: Settings, mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retrain(spec) == 0
    assert champion(spec, settings) == "1"
    ((facts, page),) = reports(spec)
    assert (facts["outcome"]["state"], facts["champion"], facts["data"]["changed"]) == ("promoted", None, None)
    assert facts["data"]["now"]["sha256"] == digest(mirror)
    shown = capsys.readouterr().out
    assert "Version 1 is the first champion." in page
    assert page in shown
    assert f"models/reports/{facts['candidate']['bundle']}.md" in shown


def test_new_data_in_the_mirror_makes_the_next_champion_and_is_reported(
    spec: ModelSpec, settings: Settings, mirror: Path
) -> None:
    retrain(spec)
    before = digest(mirror)
    table(seed=4).to_csv(mirror, index=False)
    assert retrain(spec) == 0
    assert champion(spec, settings) == "2"
    facts, page = reports(spec)[-1]
    assert (facts["data"]["changed"], facts["data"]["before"]["sha256"]) == (True, before)
    assert facts["data"]["now"] == {**facts["data"]["now"], "sha256": digest(mirror), "rows": 1500, "refused": 0}
    assert facts["champion"]["version"] == "1"
    assert facts["champion"]["metrics"].keys() == facts["candidate"]["metrics"].keys() > {"roc_auc"}
    assert "Version 2 is the champion, in place of version 1; no API answers at" in page
    raw = spec.root / "data" / "raw" / "orders.csv"
    assert (digest(raw), digest(raw.with_name("orders.csv.before"))) == (digest(mirror), before)
    assert sorted(path.name for path in raw.parent.iterdir()) == ["orders.csv", "orders.csv.before"]


def test_the_same_data_again_is_said_to_be_the_same(spec: ModelSpec, settings: Settings) -> None:
    retrain(spec)
    assert retrain(spec) == 2
    facts, page = reports(spec)[-1]
    assert facts["data"]["changed"] is False
    assert "The same as at the champion's training." in page
    assert not (spec.root / "data" / "raw" / "orders.csv.before").exists()


def test_a_mirror_that_is_gone_leaves_the_data_that_is_there(spec: ModelSpec, settings: Settings, mirror: Path) -> None:
    retrain(spec)
    mirror.unlink()
    assert retrain(spec) == 2
    assert reports(spec)[-1][0]["data"]["changed"] is False


def test_a_worse_model_is_blocked_and_the_report_names_the_rule(
    spec: ModelSpec, settings: Settings, mirror: Path, tmp_path: Path
) -> None:
    retrain(spec)
    worse = tmp_path / "worse.csv"
    shuffled_but_for_test_rows(spec, mirror).to_csv(worse, index=False)
    assert retrain(spec, worse) == 3
    assert champion(spec, settings) == "1"
    facts, page = reports(spec)[-1]
    assert (facts["outcome"]["state"], facts["data"]["file"]) == ("blocked", str(worse))
    assert f"Rules that failed: {RULES[0].name}" in page
    assert "version 1 stays the champion" in page
    assert digest(spec.root / "data" / "raw" / "orders.csv") == digest(mirror), "a named file is no refresh"


def shuffled_but_for_test_rows(spec: ModelSpec, path: Path) -> pd.DataFrame:
    """What a bad model comes of while its judge is good."""
    rows = tables.load(spec, source.identify(spec, path), max_bad_rows=0, bad_rows_path=path.with_name("bad.csv"))
    trained = ~split.is_test(rows.keys, salt=split.SALT)
    orders = pd.read_csv(path)
    orders.loc[trained, "late"] = np.random.default_rng(1).permutation(orders["late"][trained].to_numpy())
    return orders


def test_a_model_that_is_no_reason_to_change_keeps_the_champion(spec: ModelSpec, settings: Settings) -> None:
    retrain(spec)
    assert retrain(replace(spec, rules=(Improves("roc_auc", by=0.01),))) == 2
    assert champion(spec, settings) == "1"
    facts, page = reports(spec)[-1]
    assert facts["outcome"]["state"] == "kept"
    assert "Version 2 is no reason to change: version 1 stays the champion" in page
    assert f'`portfolio promote {spec.name} --version 2 --reason "TEXT"`' in page
    assert promote(spec, 2, settings, reason="TEXT").version.version == "2"


def test_the_champions_very_model_is_kept_and_no_challenger(spec: ModelSpec, settings: Settings) -> None:
    retrain(spec)
    assert retrain(spec) == 2
    assert champion(spec, settings) == "1"
    assert registry.pointed(spec.name, registry.CHALLENGER, settings) is None
    assert registry.find_version(spec.name, 2, settings).verdict == "promote"
    facts, page = reports(spec)[-1]
    assert (facts["decision"], facts["outcome"]["state"], facts["outcome"]["same"]) == ("promote", "kept", True)
    assert "Version 2 is the very model that the champion is: version 1 stays the champion." in page


def test_another_model_of_the_same_data_is_promoted(spec: ModelSpec, settings: Settings) -> None:
    retrain(spec)
    another_search(spec)
    assert retrain(spec) == 0
    assert champion(spec, settings) == "2"
    assert reports(spec)[-1][0]["outcome"]["same"] is False


def another_search(spec: ModelSpec) -> None:
    config = spec.root / "configs" / "config.yaml"
    config.write_text(config.read_text().replace("  folds: 3\n", "  folds: 3\n  imbalance: class_weight\n"))


def test_without_a_private_key_nothing_is_fetched_or_trained(
    spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", str(tmp_path / "nowhere.key"))
    with pytest.raises(ConfigError, match=r"no private key.*make keys"):
        retrain(spec)
    assert [path.name for path in spec.root.iterdir()] == ["configs"]


def test_a_promotion_that_fails_is_told_and_loses_nothing(
    spec: ModelSpec, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrain(spec)
    another_search(spec)
    with serving(Api(spec, settings, refused=("2",))) as known:
        monkeypatch.setenv("API_ADDRESSES", json.dumps(known.api_addresses))
        assert retrain(spec) == 1
    assert champion(spec, settings) == "1"
    facts, page = reports(spec)[-1]
    assert (facts["decision"], facts["outcome"]["state"]) == ("promote", "failed")
    assert "refuses version 2" in facts["outcome"]["reason"]
    assert f"`portfolio promote {spec.name} --version 2`" in page
    assert promote(spec, 2, settings).version.version == "2"


def test_data_that_breaks_the_rules_replaces_nothing_and_trains_nothing(
    spec: ModelSpec, settings: Settings, mirror: Path
) -> None:
    retrain(spec)
    raw, good = spec.root / "data" / "raw", digest(mirror)
    for bad in ("pieces\n1\n", "pieces\n2\n"):
        mirror.write_text(bad)
        with pytest.raises(DataError, match=rf"{mirror} lacks the column.*in data/raw stays"):
            retrain(spec)
    assert {path.name: digest(path) for path in raw.iterdir()} == {"orders.csv": good}
    assert len(reports(spec)) == 1
    assert champion(spec, settings) == "1"


@pytest.mark.parametrize(
    ("address", "said"), [("http://127.0.0.1:9", "at http://127.0.0.1:9"), ("", "no MLFLOW_TRACKING_URI")]
)
def test_without_a_registry_nothing_is_fetched_or_trained(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(RegistryError, match=rf"{said}.*make mlflow"):
        retrain(spec)
    assert [path.name for path in spec.root.iterdir()] == ["configs"]


def test_the_script_of_that_name_is_the_command(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "scripts" / "retrain_model.py")]
    nowhere = [*script, "--model-name", "bankchurn", "--tracking-uri", "http://127.0.0.1:9", "--quick"]
    ended = subprocess.run(nowhere, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "MLflow does not answer at http://127.0.0.1:9" in line
