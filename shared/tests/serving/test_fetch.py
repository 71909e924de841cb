"""A champion comes into the cache and is pointed at; whatever goes wrong, the last good one stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from toys import LATE, project, write_bundle

from portfolio.bundle import ANYONE, load
from portfolio.errors import RegistryError
from portfolio.pointer import Current, read_current
from portfolio.registry import RegisteredVersion
from portfolio.serving import fetch as fetching
from portfolio.serving.board import Failure, mark
from portfolio.serving.fetch import tidy
from portfolio.serving.resolve import resolve
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

SETTINGS = Settings(mlflow_tracking_uri="http://registry.test")


@dataclass
class FakeRegistry:
    """A registry in memory."""

    bundle: Path | None = None
    number: str = "1"
    error: Exception | None = None
    spoil: Callable[[Path], object] = lambda _: None
    downloads: list[str] = field(default_factory=list)

    def champion(self) -> RegisteredVersion:
        assert self.bundle is not None
        return RegisteredVersion("toylate", self.number, self.bundle.name, "run")

    def download(self, version: RegisteredVersion, destination: Path, _settings: Settings) -> Path:
        if self.error:
            raise self.error
        assert self.bundle is not None
        assert not destination.exists()
        self.downloads.append(version.version)
        fetched = Path(shutil.copytree(self.bundle, destination / "bundle"))
        self.spoil(fetched)
        return fetched


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A project without a model."""
    return project(LATE, tmp_path / "toylate")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles in the registry's store."""
    folder = tmp_path_factory.mktemp("store")
    return {name: write_bundle(LATE, folder / name, seed=seed) for seed, name in enumerate(("b1", "b2"))}


@pytest.fixture
def registry(bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    """A registry whose champion is bundle b1 as version 1."""
    fake = FakeRegistry(bundles["b1"])
    monkeypatch.setattr(fetching, "registry", fake)
    return fake


def fetch(spec: ModelSpec, registry: FakeRegistry) -> Failure | None:
    """Bring the registry's champion."""
    return fetching.fetch(spec, registry.champion(), SETTINGS)


def cached(spec: ModelSpec) -> Current | None:
    """What the cache points to."""
    return read_current(spec.root / "cache" / "current")


def test_the_champion_is_cached_under_its_registry_number(spec: ModelSpec, registry: FakeRegistry) -> None:
    fetch(spec, registry)
    current = cached(spec)
    assert current is not None
    assert (current.bundle, current.model_version, current.source) == ("b1", "1", "registry")
    load(spec.root / "cache" / "b1", spec, ANYONE)


def test_a_worker_serves_what_was_cached(spec: ModelSpec, registry: FakeRegistry) -> None:
    fetch(spec, registry)
    model = resolve(spec).model
    assert model is not None
    assert model.current.model_version == "1"


def test_a_new_champion_replaces_the_old(spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]) -> None:
    fetch(spec, registry)
    registry.bundle, registry.number = bundles["b2"], "2"
    fetch(spec, registry)
    current = cached(spec)
    assert current is not None
    assert (current.bundle, current.model_version) == ("b2", "2")


def test_a_cached_champion_is_not_downloaded_again(spec: ModelSpec, registry: FakeRegistry) -> None:
    fetch(spec, registry)
    fetch(spec, registry)
    assert registry.downloads == ["1"]


def test_the_same_number_of_another_registry_is_downloaded(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]
) -> None:
    fetch(spec, registry)
    registry.bundle = bundles["b2"]
    fetch(spec, registry)
    current = cached(spec)
    assert current is not None
    assert current.bundle == "b2"


def test_a_spoilt_cache_is_healed(spec: ModelSpec, registry: FakeRegistry) -> None:
    fetch(spec, registry)
    (spec.root / "cache" / "b1" / "model.onnx").write_bytes(b"x")
    seen, before = mark(spec.root / "cache" / "current"), cached(spec)
    fetch(spec, registry)
    load(spec.root / "cache" / "b1", spec, ANYONE)
    assert mark(spec.root / "cache" / "current") != seen  # so a worker that could not load it looks again
    assert cached(spec) == before


def test_a_spoilt_download_is_refused_and_the_last_good_one_stays(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]
) -> None:
    fetch(spec, registry)
    before = cached(spec)
    registry.bundle, registry.number = bundles["b2"], "2"
    registry.spoil = lambda fetched: (fetched / "model.onnx").write_bytes(b"x")
    failure = fetch(spec, registry)
    assert cached(spec) == before
    assert failure is not None
    assert (failure.model_version, failure.bundle, failure.stage, failure.reason) == ("2", "b2", "verify", "altered")
    assert "not as it was signed: model.onnx" in failure.detail


def test_nothing_half_written_stays(spec: ModelSpec, registry: FakeRegistry) -> None:
    registry.spoil = lambda fetched: (fetched / "model.onnx").write_bytes(b"x")
    fetch(spec, registry)
    assert list((spec.root / "cache").iterdir()) == []


@pytest.mark.parametrize("error", [RegistryError("MLflow does not answer"), OSError("disk is full")])
def test_a_registry_that_fails_leaves_the_cache_as_it_is(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path], error: Exception
) -> None:
    fetch(spec, registry)
    before = cached(spec)
    registry.bundle, registry.error = bundles["b2"], error
    failure = fetch(spec, registry)
    assert failure is not None
    assert (failure.stage, failure.reason, failure.detail) == ("download", "unavailable", str(error))
    assert cached(spec) == before


def test_a_rollback_needs_no_download(spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]) -> None:
    for name, number in (("b1", "1"), ("b2", "2"), ("b1", "1")):
        registry.bundle, registry.number = bundles[name], number
        fetch(spec, registry)
    current = cached(spec)
    assert current is not None
    assert (current.bundle, current.model_version) == ("b1", "1")
    assert registry.downloads == ["1", "2"]


def test_a_cached_bundle_that_other_code_made_is_refused(spec: ModelSpec, registry: FakeRegistry) -> None:
    fetch(spec, registry)
    (spec.root / "cache" / "current").unlink()
    changed = replace(spec, features=lambda frame: {**frame, "load": frame["weight"]})
    failure = fetch(changed, registry)
    assert failure is not None
    assert (failure.stage, failure.reason) == ("verify", "unfit")
    assert cached(spec) is None


def test_a_bundle_that_is_not_the_one_it_is_said_to_be_is_refused(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]
) -> None:
    said = replace(registry.champion(), bundle_version="b9")
    failure = fetching.fetch(spec, said, SETTINGS)
    assert failure is not None
    assert "another bundle than it says: b1" in failure.detail
    assert cached(spec) is None


def test_the_cache_keeps_the_last_three_champions_and_what_is_live(tmp_path: Path) -> None:
    for age, name in enumerate(("oldest", "live", "third", "second", "first")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (age, age))
    (tmp_path / "current").touch()
    tidy(tmp_path, frozenset({tmp_path / "live"}))
    assert {path.name for path in tmp_path.iterdir()} == {"live", "third", "second", "first", "current"}


def test_a_champion_that_came_back_is_the_youngest(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]
) -> None:
    for name in ("b1", "b2", "b1"):
        registry.bundle = bundles[name]
        fetch(spec, registry)
    ages = {name: (spec.root / "cache" / name).stat().st_mtime_ns for name in ("b1", "b2")}
    assert ages["b1"] > ages["b2"]
