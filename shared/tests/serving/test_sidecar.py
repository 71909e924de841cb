"""Before workers start, the registry's champion comes into the cache; whatever goes wrong, the last good one stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from toys import LATE, project, write_bundle

from portfolio.bundle import ANYONE, load
from portfolio.bundle.pointer import Current, read_current
from portfolio.errors import RegistryError
from portfolio.registry import RegisteredVersion
from portfolio.serving import sidecar
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

    def champion(self, name: str, _settings: Settings) -> RegisteredVersion | None:
        if self.error:
            raise self.error
        return RegisteredVersion(name, self.number, self.bundle.name, "run") if self.bundle else None

    def download(self, version: RegisteredVersion, destination: Path, _settings: Settings) -> Path:
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
    monkeypatch.setattr(sidecar, "registry", fake)
    return fake


def cached(spec: ModelSpec) -> Current | None:
    """What the cache points to."""
    return read_current(spec.root / "cache" / "current")


def test_the_champion_is_cached_under_its_registry_number(spec: ModelSpec, registry: FakeRegistry) -> None:
    sidecar.fetch(spec, SETTINGS)
    current = cached(spec)
    assert current is not None
    assert (current.bundle, current.model_version, current.source) == ("b1", "1", "registry")
    load(spec.root / "cache" / "b1", spec, ANYONE)


def test_a_worker_serves_what_was_cached(spec: ModelSpec, registry: FakeRegistry) -> None:
    sidecar.fetch(spec, SETTINGS)
    model = resolve(spec).model
    assert model is not None
    assert model.current.model_version == "1"


def test_a_new_champion_replaces_the_old(spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]) -> None:
    sidecar.fetch(spec, SETTINGS)
    registry.bundle, registry.number = bundles["b2"], "2"
    sidecar.fetch(spec, SETTINGS)
    current = cached(spec)
    assert current is not None
    assert (current.bundle, current.model_version) == ("b2", "2")


def test_a_cached_champion_is_not_downloaded_again(spec: ModelSpec, registry: FakeRegistry) -> None:
    sidecar.fetch(spec, SETTINGS)
    sidecar.fetch(spec, SETTINGS)
    assert registry.downloads == ["1"]


def test_the_same_number_of_another_registry_is_downloaded(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path]
) -> None:
    sidecar.fetch(spec, SETTINGS)
    registry.bundle = bundles["b2"]
    sidecar.fetch(spec, SETTINGS)
    current = cached(spec)
    assert current is not None
    assert current.bundle == "b2"


def test_a_spoilt_cache_is_healed(spec: ModelSpec, registry: FakeRegistry) -> None:
    sidecar.fetch(spec, SETTINGS)
    (spec.root / "cache" / "b1" / "model.onnx").write_bytes(b"x")
    sidecar.fetch(spec, SETTINGS)
    load(spec.root / "cache" / "b1", spec, ANYONE)


def test_a_spoilt_download_is_refused_and_the_last_good_one_stays(
    spec: ModelSpec, registry: FakeRegistry, bundles: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    sidecar.fetch(spec, SETTINGS)
    before = cached(spec)
    registry.bundle, registry.number = bundles["b2"], "2"
    registry.spoil = lambda fetched: (fetched / "model.onnx").write_bytes(b"x")
    sidecar.fetch(spec, SETTINGS)
    assert cached(spec) == before
    assert "not as it was signed: model.onnx" in "".join(capfd.readouterr())


def test_nothing_half_written_stays(spec: ModelSpec, registry: FakeRegistry) -> None:
    registry.spoil = lambda fetched: (fetched / "model.onnx").write_bytes(b"x")
    sidecar.fetch(spec, SETTINGS)
    assert list((spec.root / "cache").iterdir()) == []


@pytest.mark.parametrize("error", [RegistryError("MLflow does not answer"), OSError("disk is full")])
def test_a_registry_that_fails_leaves_the_cache_as_it_is(
    spec: ModelSpec, registry: FakeRegistry, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    sidecar.fetch(spec, SETTINGS)
    before = cached(spec)
    registry.error = error
    sidecar.fetch(spec, SETTINGS)
    assert cached(spec) == before
    assert str(error) in "".join(capfd.readouterr())


def test_without_a_champion_the_cache_stays_as_it_is(spec: ModelSpec, registry: FakeRegistry) -> None:
    sidecar.fetch(spec, SETTINGS)
    before = cached(spec)
    registry.bundle = None
    sidecar.fetch(spec, SETTINGS)
    assert cached(spec) == before


def test_without_a_tracking_uri_nobody_is_asked(spec: ModelSpec, registry: FakeRegistry) -> None:
    registry.error = AssertionError("asked")
    sidecar.fetch(spec, Settings(mlflow_tracking_uri=""))
    assert cached(spec) is None
