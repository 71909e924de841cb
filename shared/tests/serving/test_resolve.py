"""A worker serves the cached champion, else the last promoted local model, else says that it has none."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from toys import LATE, ORDER, go_live, project, write_bundle

from portfolio.bundle import ANYONE, SIGNATURE, seal, sign, verify
from portfolio.bundle.keys import SigningKey
from portfolio.errors import ConfigError
from portfolio.pointer import Current, read_current, write_current
from portfolio.serving import create_app
from portfolio.serving.live import State
from portfolio.serving.resolve import resolve
from portfolio.spec import ModelSpec

FILES = (
    "bundle.json",
    "model.onnx",
    "booster.txt",
    "MLmodel",
    "reference.parquet",
    "model_card.md",
    "model.sig",
    "data.json.gz",
)
"""Of a trained bundle, as docs/architecture.md lists them."""


@pytest.fixture
def spec(late: ModelSpec, tmp_path: Path) -> ModelSpec:
    """A project whose cache holds version 2 of the registry, and whose own last model is "v1"."""
    placed = project(LATE, tmp_path / "toylate")
    shutil.copytree(late.root / "models" / "v1", placed.root / "models" / "v1")
    go_live(placed.root / "models" / "v1", model_version="v1")
    shutil.copytree(late.root / "models" / "v1", placed.root / "cache" / "v2")
    go_live(placed.root / "cache" / "v2", model_version="2", source="registry")
    return placed


def live_version(spec: ModelSpec) -> str | None:
    """The version that a worker would answer with."""
    model = resolve(spec).model
    return model.current.model_version if model else None


def test_the_cache_comes_first(spec: ModelSpec) -> None:
    assert live_version(spec) == "2"


def test_without_a_cache_the_last_promoted_model_serves(spec: ModelSpec) -> None:
    shutil.rmtree(spec.root / "cache")
    assert live_version(spec) == "v1"


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_in_any_file_is_refused_by_its_name(spec: ModelSpec, key: SigningKey, name: str) -> None:
    bundle = with_every_file(spec.root / "cache" / "v2", key)
    assert sorted(file.name for file in bundle.iterdir()) == sorted(FILES)
    assert live_version(spec) == "2"
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    state = resolve(spec)
    assert state.model is not None
    assert state.model.current.model_version == "v1"
    assert state.failure is not None
    assert name in state.failure.detail
    assert state.failure.reason in (("bad_signature", "unknown_key") if name == SIGNATURE else ("altered",))


def with_every_file(bundle: Path, key: SigningKey) -> Path:
    """The bundle with all that a trained one has, sealed and signed anew."""
    manifest = verify(bundle, ANYONE)
    for name in FILES:
        if not (bundle / name).exists():
            (bundle / name).write_bytes(b"what a trained bundle has here")
    seal(bundle, manifest)
    sign(bundle, key)
    return bundle


def test_the_refused_bundle_is_remembered_with_its_reason(spec: ModelSpec) -> None:
    (spec.root / "cache" / "v2" / "model.onnx").write_bytes(b"x")
    failure = resolve(spec).failure
    assert failure is not None
    assert (failure.bundle, failure.model_version, failure.stage, failure.reason) == ("v2", "2", "load", "altered")
    assert "model.onnx" in failure.detail


def test_the_refused_bundle_is_shown_beside_the_live_model(spec: ModelSpec) -> None:
    (spec.root / "cache" / "v2" / "model.onnx").write_bytes(b"x")
    with TestClient(create_app(spec)) as client:
        info = client.get("/model/info").json()
    assert info["model_version"] == "v1"
    assert "model.onnx" in info["last_failure"]["detail"]


def test_a_bundle_whose_graph_can_not_run_is_passed_over(spec: ModelSpec, key: SigningKey) -> None:
    directory = spec.root / "cache" / "v2"
    manifest = verify(directory, ANYONE)
    (directory / "model.onnx").write_bytes(b"sealed, and no graph")
    seal(directory, manifest)
    sign(directory, key)
    assert live_version(spec) == "v1"


def test_a_bundle_that_other_features_made_is_passed_over(spec: ModelSpec) -> None:
    changed = replace(spec, features=lambda frame: {**frame, "load": frame["weight"]})
    state = resolve(changed)
    assert state.model is None
    assert "golden row" in (state.failure.detail if state.failure else "")


def test_another_projects_bundle_is_passed_over(spec: ModelSpec) -> None:
    assert live_version(replace(spec, name="toyother")) is None


def test_a_pointer_that_can_not_be_read_is_passed_over(spec: ModelSpec, capfd: pytest.CaptureFixture[str]) -> None:
    (spec.root / "cache" / "current").write_text("{")
    assert live_version(spec) == "v1"
    assert "pointer is not readable" in "".join(capfd.readouterr())


def test_a_pointer_to_nothing_is_passed_over(spec: ModelSpec) -> None:
    shutil.rmtree(spec.root / "cache" / "v2")
    assert live_version(spec) == "v1"


def test_without_any_good_bundle_it_starts_all_the_same(spec: ModelSpec) -> None:
    shutil.rmtree(spec.root / "cache")
    (spec.root / "models" / "v1" / "model.onnx").write_bytes(b"x")
    with TestClient(create_app(spec)) as client:
        assert client.get("/health").status_code == 503
        assert client.post("/predict", json=ORDER).status_code == 503


def test_a_broken_configuration_stops_the_start(spec: ModelSpec) -> None:
    (spec.root / "configs" / "config.yaml").write_text("prot: 8101\n")
    with pytest.raises(ConfigError, match="prot"):
        resolve(spec)


def test_building_the_application_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "config.yaml").write_text("port: 8000")
    app = create_app(replace(LATE, folder=tmp_path))
    assert app.title == "Late orders"
    assert [path.name for path in tmp_path.iterdir()] == ["configs"]


def test_a_pointer_is_read_as_it_was_written(tmp_path: Path) -> None:
    current = Current(bundle="v3", model_version="12", source="registry", since="2026-01-01T00:00:00+00:00")
    write_current(tmp_path / "current", current)
    write_current(tmp_path / "current", current)
    assert read_current(tmp_path / "current") == current
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


def test_a_version_that_comes_back_is_not_loaded_again(spec: ModelSpec) -> None:
    first = resolve(spec)
    go_live(write_bundle(spec, spec.root / "cache" / "v3", seed=9), model_version="3")
    second = resolve(spec, first)
    (spec.root / "cache" / "v2" / "model.onnx").unlink()  # a load would fail
    go_live(spec.root / "cache" / "v2", model_version="2")
    third = resolve(spec, second)
    assert [versions(state) for state in (first, second, third)] == [("2", None), ("3", "2"), ("2", "3")]
    assert first.model is not None
    assert third.model is not None
    assert third.model.scorer is first.model.scorer


def test_a_bundle_that_only_got_another_number_replaces_nothing(spec: ModelSpec) -> None:
    go_live(spec.root / "cache" / "v2", model_version="8")
    before = resolve(spec)
    go_live(spec.root / "cache" / "v2", model_version="9")
    assert versions(resolve(spec, before)) == ("9", None)


def test_what_serves_stays_where_its_successor_is_refused(spec: ModelSpec) -> None:
    before = resolve(spec)
    (write_bundle(spec, spec.root / "cache" / "v3") / "model.onnx").write_bytes(b"x")
    go_live(spec.root / "cache" / "v3", model_version="3")
    after = resolve(spec, before)
    assert after.model is before.model  # and not the local v1, which the order would have next
    assert after.failure is not None
    assert (after.failure.model_version, "model.onnx" in after.failure.detail) == ("3", True)


def test_what_serves_stays_where_its_pointer_can_not_be_read(spec: ModelSpec) -> None:
    before = resolve(spec)
    (spec.root / "cache" / "current").write_text("{")
    assert resolve(spec, before).model is before.model


def test_what_serves_stays_where_nothing_is_named_any_more(spec: ModelSpec) -> None:
    before = resolve(spec)
    shutil.rmtree(spec.root / "cache")
    shutil.rmtree(spec.root / "models")
    assert resolve(spec, before).model is before.model


def test_a_local_model_follows_a_local_one_while_the_cache_is_refused(spec: ModelSpec) -> None:
    (spec.root / "cache" / "v2" / "model.onnx").write_bytes(b"x")
    before = resolve(spec)
    go_live(write_bundle(spec, spec.root / "models" / "v9", seed=9), model_version="v9")
    assert [versions(before), versions(resolve(spec, before))] == [("v1", None), ("v9", "v1")]


def test_an_old_champion_outranks_a_newer_local_model_and_says_so(
    spec: ModelSpec, capfd: pytest.CaptureFixture[str]
) -> None:
    before = resolve(spec)
    bundle = write_bundle(spec, spec.root / "models" / "v9", seed=9)
    newer = Current(bundle="v9", model_version="v9", source="local", since="2026-01-03T00:00:00+00:00")
    write_current(bundle.parent / "current", newer)
    assert resolve(spec, before).model is before.model
    assert "a newer local model is not served" in "".join(capfd.readouterr())


def test_a_bundle_that_nobody_signed_is_passed_over_with_the_way_out(spec: ModelSpec) -> None:
    (spec.root / "cache" / "v2" / SIGNATURE).unlink()
    state = resolve(spec)
    assert state.model is not None
    assert state.model.current.model_version == "v1"
    assert state.failure is not None
    assert (state.failure.reason, "is not signed" in state.failure.detail) == ("unsigned", True)
    assert "portfolio promote NAME --version N" in state.failure.detail


def test_a_key_that_can_not_be_read_stops_the_start(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE_PUBLIC_KEY", "/nowhere/bundle.pub")
    with pytest.raises(ConfigError, match="BUNDLE_PUBLIC_KEY"):
        resolve(spec)


def versions(state: State) -> tuple[str | None, str | None]:
    """(what is live, what was before)."""
    live, before = (model and model.current.model_version for model in (state.model, state.previous))
    return live, before
