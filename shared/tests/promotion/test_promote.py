"""Who becomes champion, and with whose signature, against a real MLflow server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from champions import alias, champion, registered
from toys import LATE, write_candidate

from portfolio import registry
from portfolio.bundle import MANIFEST, SIGNATURE, Manifest, Trust, load, seal, sign, verify
from portfolio.bundle.keys import SigningKey, make_keys, read_public_keys
from portfolio.errors import BundleError, ConfigError, NotPromoted, RegistryError
from portfolio.gate import Verdict
from portfolio.pointer import read_current
from portfolio.promotion.audit import history
from portfolio.promotion.commands import signing as commands
from portfolio.promotion.flow import promote
from portfolio.registry import RegisteredVersion
from portfolio.serving.fetch import fetch
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.store import datasets
from portfolio.training.publish import Published, publish

GOOD = Verdict("promote", ())
CURVES = {name: {"x": [0.0, 1.0], "y": [0.0, 1.0]} for name in ("roc", "precision_recall", "calibration")}


def stored(mlflow_folder: Path, version: RegisteredVersion) -> Path:
    """The folder in which the server keeps a version's bundle."""
    (found,) = mlflow_folder.glob(f"files/**/{version.run_id}/artifacts/bundle")
    return found


def test_a_promoted_version_is_the_champion_and_verifies_with_the_public_key_alone(
    spec: ModelSpec, settings: Settings, key: SigningKey, tmp_path: Path
) -> None:
    version = registered(settings, spec, "v1")
    done = promote(spec, 1, settings)
    assert (done.version, done.before) == (replace(version, signed_by=key.public.id), None)
    champion = registry.champion(spec.name, settings)
    assert champion == replace(version, signed_by=key.public.id, promoted_at=champion.promoted_at)
    assert datetime.now(UTC) - datetime.fromisoformat(champion.promoted_at) < timedelta(minutes=1)
    fetched = registry.download(champion, tmp_path / "fetched", settings)
    public = read_public_keys((tmp_path / "keys" / "bundle.pub").read_text())
    assert load(fetched, spec, Trust(public)).manifest.version == "v1"


def test_previous_names_the_champion_before(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1")
    registered(settings, spec, "v2", seed=1)
    promote(spec, 1, settings)
    done = promote(spec, 2, settings)
    assert done.before is not None
    assert (done.before.version, alias(settings, spec, "previous"), alias(settings, spec, "champion")) == (
        "1",
        "1",
        "2",
    )
    promote(spec, 1, settings)
    assert (alias(settings, spec, "previous"), alias(settings, spec, "champion")) == ("2", "1")


def test_promoting_the_champion_again_signs_it_and_moves_nothing(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1")
    version = registered(settings, spec, "v2", seed=1)
    promote(spec, 1, settings)
    registry.point(settings, version, registry.CHAMPION)  # as a release without signatures did
    done = promote(spec, 2, settings)
    assert done.before is not None
    assert done.before.version == "2"
    again = champion(spec, settings)
    assert (again.version, again.signed_by) == (version.version, done.version.signed_by)
    assert alias(settings, spec, "previous") == ""


def test_a_candidate_is_not_signed(spec: ModelSpec, settings: Settings, tmp_path: Path) -> None:
    fetched = registry.download(registered(settings, spec, "v1"), tmp_path / "fetched", settings)
    assert not (fetched / SIGNATURE).exists()


def test_an_api_follows_a_champion_only_once_it_is_signed(
    spec: ModelSpec, settings: Settings, keyless: Settings
) -> None:
    registry.point(settings, registered(settings, spec, "v1"), registry.CHAMPION)
    refused = fetch(spec, champion(spec, keyless), keyless)
    assert refused is not None
    assert (refused.stage, refused.reason) == ("verify", "unsigned")
    assert read_current(spec.root / "cache" / "current") is None
    promote(spec, 1, settings)
    assert fetch(spec, champion(spec, keyless), keyless) is None
    current = read_current(spec.root / "cache" / "current")
    assert current is not None
    assert current.bundle == "v1"


def test_what_the_gate_has_blocked_is_promoted_by_force_alone(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1", verdict="block")
    with pytest.raises(NotPromoted, match="blocked version 1"):
        promote(spec, 1, settings)
    assert registry.champion(spec.name, settings) is None
    with pytest.raises(ConfigError, match="--force needs a reason"):
        promote(spec, 1, settings, force=True, reason=" ")
    with pytest.raises(NotPromoted, match="blocked version 1"):
        promote(spec, 1, settings, reason="I like it")
    assert registry.champion(spec.name, settings) is None
    assert promote(spec, 1, settings, force=True, reason="all else is down").version.version == "1"
    [line] = history(spec.name, settings)
    assert (line.forced, line.verdict, line.reason) == (True, "block", "all else is down")


def test_what_the_gate_would_not_exchange_the_champion_for_takes_a_reason(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1", verdict="keep")
    with pytest.raises(NotPromoted, match="keep the champion"):
        promote(spec, 1, settings)
    assert promote(spec, 1, settings, reason="smaller").version.version == "1"


def test_without_the_private_key_nothing_moves(spec: ModelSpec, settings: Settings, keyless: Settings) -> None:
    registered(settings, spec, "v1")
    with pytest.raises(ConfigError, match="no private key"):
        promote(spec, 1, keyless)
    assert registry.champion(spec.name, settings) is None


def test_a_version_that_is_not_there_is_one_error(spec: ModelSpec, settings: Settings) -> None:
    with pytest.raises(RegistryError, match="no version 3"):
        promote(spec, 3, settings)


@pytest.mark.parametrize("how", ["a byte", "all of it, sealed anew", "all of it, signed by another"])
def test_what_was_changed_in_the_store_is_not_promoted(
    spec: ModelSpec, settings: Settings, mlflow_folder: Path, tmp_path: Path, how: str
) -> None:
    version = registered(settings, spec, "v1")
    bundle = stored(mlflow_folder, version)
    (bundle / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes() + b"x")
    if how != "a byte":
        other = write_candidate(spec, tmp_path / "v1", seed=9)
        shutil.copytree(other, bundle, dirs_exist_ok=True)
    if how == "all of it, signed by another":
        sign(bundle, make_keys(tmp_path / "their.key", tmp_path / "their.pub"))
    with pytest.raises(BundleError, match="model.onnx" if how == "a byte" else MANIFEST) as caught:
        promote(spec, 1, settings)
    assert caught.value.detail.startswith(f"Version 1 of {spec.name}: not as it was ")
    assert "find out who can write" in caught.value.remedy
    assert registry.champion(spec.name, settings) is None


def test_a_version_of_an_earlier_release_that_holds_another_bundle_is_not_promoted(
    spec: ModelSpec, settings: Settings, mlflow_folder: Path, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    version = registered(settings, spec, "v1")
    MlflowClient(settings.mlflow_tracking_uri).delete_model_version_tag(spec.name, "1", registry.PIN)
    other = write_candidate(spec, tmp_path / "v0", seed=9)
    shutil.copytree(other, stored(mlflow_folder, version), dirs_exist_ok=True)
    with pytest.raises(BundleError, match="holds another bundle than it says: v0"):
        promote(spec, 1, settings)


def test_feature_code_that_scores_otherwise_keeps_a_version_from_being_champion(
    spec: ModelSpec, settings: Settings
) -> None:
    registered(settings, spec, "v1")
    with pytest.raises(BundleError, match="golden row"):
        promote(replace(spec, features=lambda frame: {**frame, "load": frame["weight"]}), 1, settings)
    assert registry.champion(spec.name, settings) is None


def published(spec: ModelSpec, settings: Settings, name: str, *, seed: int = 0, register: bool = True) -> Published:
    bundle = write_candidate(spec, spec.root / "models" / name, seed=seed)
    drawn = Manifest.model_validate_json((bundle / MANIFEST).read_bytes()).model_copy(update={"curves": CURVES})
    manifest = seal(bundle, drawn)
    return publish(bundle, manifest, GOOD, settings, register=register)


def test_training_signs_its_version_where_there_is_no_champion(
    spec: ModelSpec, settings: Settings, keyless: Settings, key: SigningKey, tmp_path: Path
) -> None:
    result = published(spec, settings, "v1")
    assert (result.live, result.unsigned) == (True, False)
    champion = registry.champion(spec.name, settings)
    assert champion is not None
    assert champion.signed_by == key.public.id
    fetched = registry.download(champion, tmp_path / "fetched", keyless)
    trust = Trust((key.public,))
    assert verify(fetched, trust) == verify(spec.root / "models" / "v1", trust)
    current = read_current(spec.root / "models" / "current")
    assert current is not None
    assert (current.bundle, current.model_version) == ("v1", "1")


def test_training_leaves_the_champion_and_does_not_sign_its_challenger(spec: ModelSpec, settings: Settings) -> None:
    published(spec, settings, "v1")
    result = published(spec, settings, "v2", seed=1)
    assert (result.live, result.unsigned) == (False, False)
    assert (alias(settings, spec, "champion"), alias(settings, spec, "challenger")) == ("1", "2")
    assert not (spec.root / "models" / "v2" / SIGNATURE).exists()


def test_training_without_the_private_key_makes_no_champion(
    spec: ModelSpec, settings: Settings, keyless: Settings
) -> None:
    result = published(spec, keyless, "v1")
    assert (result.live, result.unsigned) == (False, True)
    assert registry.champion(spec.name, settings) is None
    assert alias(settings, spec, "challenger") == "1"
    assert read_current(spec.root / "models" / "current") is None
    promote(spec, 1, settings)
    assert alias(settings, spec, "champion") == "1"


def test_without_a_registry_only_a_signed_model_is_served(
    spec: ModelSpec, settings: Settings, keyless: Settings, key: SigningKey
) -> None:
    assert published(spec, keyless, "v1", register=False).unsigned
    assert read_current(spec.root / "models" / "current") is None
    assert published(spec, settings, "v2", register=False).live
    assert verify(spec.root / "models" / "v2", Trust((key.public,))).version == "v2"


def test_training_tells_the_audit(spec: ModelSpec, settings: Settings) -> None:
    published(spec, settings, "v1")
    [line] = history(spec.name, settings)
    assert (line.action, line.outcome, line.from_version, line.to_version) == ("promote", "done", "", "1")
    assert (line.to_bundle, line.reason) == ("v1", "training found no champion")


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "portfolio", *map(str, arguments)],
        env=os.environ | {"NO_COLOR": "1", "BUNDLE_PUBLIC_KEY": "", **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_commands_tell_what_is_and_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    home = {"SIGNING_KEY": str(folder / "bundle.key")}
    bundle = write_candidate(LATE, tmp_path / "v1")
    made = command("keys", **home)
    assert (made.returncode, made.stderr) == (0, "")
    (line,) = [line for line in made.stdout.splitlines() if line.startswith("BUNDLE_PUBLIC_KEY=")]
    assert command("keys", **home).stdout == made.stdout
    refused = command("verify", bundle, **home)
    assert refused.returncode == 1
    assert "is not signed" in refused.stderr
    assert "portfolio sign PATH" in refused.stderr
    key = make_keys(folder / "bundle.key", folder / "bundle.pub")
    sign(bundle, key)
    environment = {"SIGNING_KEY": "", "BUNDLE_PUBLIC_KEY": line.partition("=")[2]}
    shown = command("verify", bundle, **environment)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [
        "  booster.txt ok",
        "  bundle.json ok",
        "  model.onnx ok",
        "  model_card.md ok",
        f"toylate v1: every file is as it was sealed, signed with key {key.public.id[:16]}",
    ]
    (bundle / "booster.txt").write_text("other")
    altered = command("verify", bundle, **environment)
    assert altered.returncode == 1
    assert "not as it was signed: booster.txt" in altered.stderr


def test_champions_of_another_key_are_signed_anew(
    spec: ModelSpec, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: SigningKey
) -> None:
    registered(settings, spec, "v1")
    theirs = make_keys(tmp_path / "their.key", tmp_path / "their.pub")
    promote(spec, 1, settings.model_copy(update={"signing_key": str(tmp_path / "their.key")}))
    assert champion(spec, settings).signed_by == theirs.public.id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.mlflow_tracking_uri)
    monkeypatch.setenv("SIGNING_KEY", settings.signing_key)
    monkeypatch.setattr(commands, "project_names", lambda: [spec.name])
    monkeypatch.setattr(commands, "find_project", lambda _: spec)
    with pytest.raises(SystemExit) as ended:
        commands.sign_bundle(champions=True)
    assert ended.value.code == 0
    assert champion(spec, settings).signed_by == key.public.id
    assert champion(spec, settings).version == "1"


def test_training_tells_the_store_what_a_version_was_trained_on(spec: ModelSpec, settings: Settings) -> None:
    published(spec, settings, "v1")
    [data] = datasets(settings, project=spec.name)
    assert data.bundle == "v1"
    assert len(data.sha256) == 64


def test_a_store_that_is_away_does_not_lose_a_trained_version(spec: ModelSpec, keyless: Settings) -> None:
    away = keyless.model_copy(update={"database_url": "sqlite:////proc/nowhere/portfolio.db"})
    result = published(spec, away, "v1")
    assert result.registered is not None
    assert alias(keyless, spec, "challenger") == "1"
