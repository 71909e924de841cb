"""A service follows the registry's champion, and refuses what it should: real processes, a real MLflow."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflows import mlflow_server
from services import Service, installed, running
from toys import LATE, ORDER, write_bundle, write_candidate
from watching import KEY, OPEN, ask, messages, metrics, reload, sidecars, until, version, workers

from portfolio import registry
from portfolio.bundle import ANYONE, seal, sign, verify
from portfolio.bundle.keys import SigningKey, make_keys
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

GOOD, ALTERED, UNFIT, UNSIGNED, UNKNOWN = (1, 2), 3, 4, 5, 6
SOON = {**OPEN, "REGISTRY_POLL_SECONDS": "0.2", "MLFLOW_TIMEOUT_SECONDS": "5"}
ASKED = {**OPEN, "REGISTRY_POLL_SECONDS": "600", "MLFLOW_TIMEOUT_SECONDS": "5"}  # it looks only when it is asked to


@dataclass(frozen=True)
class Mlflow:
    """A registry whose stores are in `folder`."""

    settings: Settings
    folder: Path
    server: ExitStack

    @property
    def address(self) -> dict[str, str]:
        """How a service finds it."""
        return {"MLFLOW_TRACKING_URI": self.settings.mlflow_tracking_uri}

    def register(self, bundle: Path) -> RegisteredVersion:
        """The next version, of a bundle named after its number: r1, r2 and so on."""
        (self.folder / "plots").mkdir(exist_ok=True)
        plots = self.folder / "plots"
        version = registry.register(self.settings, verify(bundle, ANYONE), bundle=bundle, artifacts=plots, tags={})
        assert f"r{version.version}" == bundle.name
        return version

    def make_champion(self, number: int) -> None:
        """Make a version champion, whatever it is."""
        registry.point(self.settings, RegisteredVersion(LATE.name, str(number), f"r{number}", ""), registry.CHAMPION)

    def start(self) -> None:
        """Start it where it was."""
        port = int(self.settings.mlflow_tracking_uri.rpartition(":")[2])
        self.server.enter_context(mlflow_server(self.folder, port))


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Iterator[Mlflow]:
    """A registry with good versions and with one of each kind that must be refused."""
    folder = tmp_path_factory.mktemp("mlflow")
    with ExitStack() as server:
        mlflow = Mlflow(server.enter_context(mlflow_server(folder)), folder, server)
        for number in GOOD:
            mlflow.register(write_bundle(LATE, folder / f"r{number}", seed=number))
        altered = mlflow.register(write_bundle(LATE, folder / f"r{ALTERED}"))
        [graph] = (folder / "files").glob(f"**/{altered.run_id}/artifacts/bundle/model.onnx")
        graph.write_bytes(graph.read_bytes() + b"x")
        mlflow.register(otherwise_scoring(folder / f"r{UNFIT}", key))
        mlflow.register(write_candidate(LATE, folder / f"r{UNSIGNED}"))
        unknown = write_candidate(LATE, folder / f"r{UNKNOWN}")
        sign(unknown, make_keys(folder / "other.key", folder / "other.pub"))
        mlflow.register(unknown)
        yield mlflow


def otherwise_scoring(directory: Path, key: SigningKey) -> Path:
    """A bundle sealed and signed in order, whose golden rows are said to score more than they do."""
    manifest = verify(write_candidate(LATE, directory), ANYONE)
    golden = tuple(row.model_copy(update={"score": row.score + 0.01}) for row in manifest.golden)
    seal(directory, manifest.model_copy(update={"golden": golden}))
    sign(directory, key)
    return directory


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A project with the local model v1, installed, for one test alone."""
    return installed(tmp_path / "toylate")


@pytest.fixture
def warm(spec: ModelSpec, mlflow: Mlflow) -> ModelSpec:
    """The project with the good versions in its cache, and version 1 as champion."""
    for number in GOOD:
        shutil.copytree(mlflow.folder / f"r{number}", spec.root / "cache" / f"r{number}")
    mlflow.make_champion(1)
    return spec


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, mlflow: Mlflow) -> Iterator[Service]:
    """A service of two workers that looks only when it is asked to."""
    spec = installed(tmp_path_factory.mktemp("asked") / "toylate")
    for number in GOOD:
        shutil.copytree(mlflow.folder / f"r{number}", spec.root / "cache" / f"r{number}")
    mlflow.make_champion(1)
    with running(spec, WORKERS="2", **mlflow.address, **ASKED) as service:
        # it is ready when its first worker is, and a reload waits for those that there are
        until(lambda: reload(service)[1].get("workers") == 2, seconds=30)
        yield service


def test_the_service_follows_the_champion_forth_and_back(spec: ModelSpec, mlflow: Mlflow) -> None:
    mlflow.make_champion(1)
    with running(spec, **mlflow.address, **SOON) as service:
        assert version(service) == "1"  # from the first answer on
        mlflow.make_champion(2)
        until(lambda: version(service) == "2")
        info = ask(service, "/model/info")
        assert (info["bundle_version"], info["live_versions"], info["follows_registry"]) == ("r2", ["2"], True)
        mlflow.make_champion(1)
        status, done = reload(service)
        assert (status, done["old"], done["new"]) == (200, "2", "1")
        back = ask(service, "/model/info")
        assert (back["bundle_version"], back["since"] >= info["since"]) == ("r1", True)
        said = messages(service)
    assert (said.count("model loaded"), said.count("model taken from memory")) == (2, 1)


def test_a_rollback_takes_a_second_at_most(service: Service, mlflow: Mlflow) -> None:
    for number in (*GOOD, *GOOD):
        mlflow.make_champion(number)
        status, done = reload(service)
        assert (status, done["new"], done["workers"]) == (200, str(number), 2)
    assert done["seconds"] <= 1


@pytest.mark.parametrize(
    ("number", "reason", "detail"),
    [
        (ALTERED, "altered", "not as it was signed: model.onnx"),
        (UNFIT, "unfit", "a golden row scores 0.01 off"),
        (UNSIGNED, "unsigned", "is not signed"),
        (UNKNOWN, "unknown_key", "which is not trusted"),
    ],
)
def test_a_version_that_is_not_to_be_trusted_is_a_conflict_and_the_old_goes_on(
    service: Service, mlflow: Mlflow, number: int, reason: str, detail: str
) -> None:
    def counted() -> float:
        shown = rf'model_load_failures_total{{reason="{reason}",stage="verify"}} (\d+)'
        return sum(map(float, re.findall(shown, metrics(service))))

    mlflow.make_champion(1)
    assert reload(service)[1]["new"] == "1"
    before = counted()
    mlflow.make_champion(number)
    status, problem = reload(service)
    assert (status, problem["title"], detail in problem["detail"]) == (409, "Not reloaded", True)
    assert counted() == before + 1
    info = ask(service, "/model/info")
    failure = info["last_failure"]
    assert (info["model_version"], info["live_versions"]) == ("1", ["1"])
    assert (failure["model_version"], failure["bundle"]) == (str(number), f"r{number}")
    assert (failure["stage"], failure["reason"], detail in failure["detail"]) == ("verify", reason, True)


def test_an_unsigned_version_is_refused_once_and_what_failed_is_remembered(warm: ModelSpec, mlflow: Mlflow) -> None:
    with running(warm, **mlflow.address, **SOON) as service:
        mlflow.make_champion(UNSIGNED)
        until(lambda: ask(service, "/model/info")["last_failure"])
        looks = len(mlflow_asks(mlflow))
        until(lambda: len(mlflow_asks(mlflow)) > looks + 3)
        assert 'model_load_failures_total{reason="unsigned",stage="verify"} 1.0' in metrics(service)
        mlflow.make_champion(2)
        assert reload(service)[1]["new"] == "2"
        assert ask(service, "/model/info")["last_failure"]["model_version"] == str(UNSIGNED)
        assert messages(service).count("the champion is not made live") == 1


def mlflow_asks(mlflow: Mlflow) -> list[str]:
    """The server's log of questions who is champion."""
    return re.findall("GET /api/2.0/mlflow/registered-models/alias", (mlflow.folder / "log").read_text())


def test_a_sidecar_that_was_killed_is_started_again(warm: ModelSpec, mlflow: Mlflow) -> None:
    with running(warm, **mlflow.address, **SOON) as service:
        [killed] = sidecars(service)
        os.kill(killed, signal.SIGKILL)
        until(lambda: sidecars(service) not in ([], [killed]))
        mlflow.make_champion(2)
        until(lambda: version(service) == "2")
        assert "the sidecar ended, it is started again" in messages(service)


def test_a_bundle_that_was_damaged_in_the_cache_is_fetched_anew_for_the_worker_that_needs_it(
    warm: ModelSpec, mlflow: Mlflow, tmp_path: Path
) -> None:
    (warm.root / "models" / "current").unlink()
    with running(warm, WORKERS="2", TMPDIR=str(tmp_path), **mlflow.address, **SOON) as service:
        until(lambda: len(workers(tmp_path)) == 2)
        graph = warm.root / "cache" / "r1" / "booster.txt"
        graph.write_bytes(graph.read_bytes() + b"x")
        os.kill(min(workers(tmp_path)), signal.SIGKILL)
        until(lambda: None in workers(tmp_path).values())  # the one that took its place
        assert reload(service)[1]["workers"] == 2
        assert {version(service) for _ in range(20)} == {"1"}


def test_a_bundle_that_was_damaged_in_the_cache_is_mended_after_a_rollback_from_memory(
    warm: ModelSpec, mlflow: Mlflow
) -> None:
    with running(warm, **mlflow.address, **SOON) as service:
        mlflow.make_champion(2)
        until(lambda: version(service) == "2")
        graph = warm.root / "cache" / "r1" / "model.onnx"
        whole = graph.read_bytes()
        graph.write_bytes(whole + b"x")
        mlflow.make_champion(1)
        assert reload(service)[1]["new"] == "1"
        until(lambda: graph.is_file() and graph.read_bytes() == whole)
        assert version(service) == "1"


def test_without_any_model_the_service_tells_why(warm: ModelSpec, mlflow: Mlflow) -> None:
    shutil.rmtree(warm.root / "models")
    mlflow.make_champion(UNSIGNED)
    with running(warm, **mlflow.address, **ASKED) as service:
        problem = ask(service, "/model/info")
    assert (problem["status"], problem["title"]) == (503, "Model not available")
    assert f"Version {UNSIGNED} did not go live (verify, unsigned)" in problem["detail"]
    assert "portfolio promote NAME --version N" in problem["detail"]


def test_a_cache_that_can_not_be_written_leaves_the_local_model(spec: ModelSpec, mlflow: Mlflow) -> None:
    mlflow.make_champion(1)
    (spec.root / "cache").touch()  # as root, rights alone keep nobody from writing
    with running(spec, **mlflow.address, **SOON) as service:
        assert version(service) == "v1"
        failure = ask(service, "/model/info")["last_failure"]
        assert (failure["stage"], failure["reason"]) == ("download", "unavailable")
        status, problem = reload(service)
        assert (status, "was not fetched" in problem["detail"]) == (503, True)
        with service.client() as client:
            assert client.post("/predict", json=ORDER, headers=KEY).status_code == 200


def test_mlflow_may_go_away_and_come_back(warm: ModelSpec, mlflow: Mlflow) -> None:
    with running(warm, **mlflow.address, **SOON) as service:
        mlflow.server.close()
        try:
            status, problem = reload(service)
            assert (status, problem["title"]) == (503, "Registry not available")
            assert version(service) == "1"
        finally:
            mlflow.start()
        mlflow.make_champion(2)
        assert reload(service)[1]["new"] == "2"
        said = messages(service)
    assert (said.count("MLflow is away, the cache stays"), said.count("MLflow answers again")) == (1, 1)
