"""A new champion goes live without a restart and without a failed request: real processes, a real MLflow."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import pytest
from mlflows import mlflow_server
from services import Service, Wire, installed, post, running
from toys import LATE, ORDER, go_live, write_bundle

from portfolio import registry
from portfolio.bundle import ANYONE, verify
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import start_time
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

KEY = {"x-api-key": "correct horse"}
OPEN = {"ADMIN_KEY": "correct horse", "REGISTRY_POLL_SECONDS": "0.2", "MLFLOW_TIMEOUT_SECONDS": "5"}
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A project with the local model v1, installed, for one test alone."""
    return installed(tmp_path / "toylate")


@dataclass(frozen=True)
class Mlflow:
    """A registry whose stores are in `folder`."""

    settings: Settings
    folder: Path

    @property
    def address(self) -> dict[str, str]:
        """How a service finds it."""
        return {"MLFLOW_TRACKING_URI": self.settings.mlflow_tracking_uri}

    def register(self, number: int) -> RegisteredVersion:
        """Version `number` of the toy, a bundle named r1, r2 and so on."""
        bundle = write_bundle(LATE, self.folder / f"r{number}", seed=number)
        (self.folder / "plots").mkdir(exist_ok=True)
        plots = self.folder / "plots"
        version = registry.register(self.settings, verify(bundle, ANYONE), bundle=bundle, artifacts=plots, tags={})
        assert version.version == str(number)
        return version

    def make_champion(self, number: int) -> None:
        """Make a version champion."""
        registry.point(self.settings, RegisteredVersion(LATE.name, str(number), f"r{number}", ""), registry.CHAMPION)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    """A registry with versions 1 and 2, and 3 whose graph was altered where it is stored."""
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder) as settings:
        mlflow = Mlflow(settings, folder)
        versions = [mlflow.register(number) for number in (1, 2, 3)]
        [graph] = (folder / "files").glob(f"**/{versions[2].run_id}/artifacts/bundle/model.onnx")
        graph.write_bytes(graph.read_bytes() + b"x")
        yield mlflow


def until(found: Callable[[], Any], *, seconds: float = 60) -> Any:
    """The first thing found that is true."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return value


def ask(service: Service, path: str) -> Any:
    """What a path answers."""
    with service.client() as client:
        return client.get(path).json()


def reload(service: Service) -> tuple[int, dict[str, Any]]:
    """Status and answer of POST /admin/reload."""
    with service.client() as client:
        answer = client.post("/admin/reload", headers=KEY, timeout=60)
        return answer.status_code, answer.json()


def version(service: Service) -> str:
    """What answers now."""
    return str(ask(service, "/health")["model_version"])


def sidecars(service: Service) -> list[int]:
    """Ids of the service's children with the sidecar's command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(") ")[2].split()[1]
            if b"portfolio.serving.sidecar" in command and int(parent) == service.program.pid:
                found.append(int(folder.name))
    return found


def workers(folder: Path) -> dict[int, str | None]:
    """What each worker of the service whose temporary files are in a folder serves, by its id."""
    found = (orjson.loads(file.read_bytes()) for file in folder.glob("portfolio-*/*.notice"))
    return {each["pid"]: each["model_version"] for each in found if start_time(each["pid"]) == each["started"]}


def messages(service: Service) -> list[str]:
    """The log's messages, once it was stopped."""
    service.stop()
    return [line["message"] for line in service.log]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_swap_under_load_fails_no_request_and_switches_once(spec: ModelSpec, workers: str) -> None:
    over = Event()

    def load(_: int) -> list[tuple[int, str]]:
        answers = []
        with Wire(service.port) as wire:
            while not over.is_set():
                wire.send(post(orjson.dumps(ORDER)))
                reply = wire.read()
                answers.append((reply.status, reply.json()["model_version"]) if reply else (0, "cut"))
        return answers

    with running(spec, WORKERS=workers, **OPEN) as service, ThreadPoolExecutor(4) as clients:
        loads = [clients.submit(load, number) for number in range(4)]
        time.sleep(0.5)
        go_live(write_bundle(spec, spec.root / "models" / "v2", seed=2), model_version="2")
        time.sleep(2)
        over.set()
        answered = [each.result(timeout=20) for each in loads]
    for answers in answered:  # a connection stays with its worker
        assert {status for status, _ in answers} == {200}
        versions = [version for _, version in answers]
        assert [v for v, before in zip(versions, ["", *versions], strict=False) if v != before] == ["v1", "2"]


def test_a_reload_waits_for_both_workers(spec: ModelSpec, tmp_path: Path) -> None:
    with running(spec, WORKERS="2", TMPDIR=str(tmp_path), **OPEN) as service:
        notices = until(lambda: len(found := list(tmp_path.glob("portfolio-*/*.notice"))) == 2 and found)
        go_live(write_bundle(spec, spec.root / "models" / "v2", seed=2), model_version="2")
        status, done = reload(service)
        assert (status, done["old"] in ("v1", "2"), done["new"], done["workers"]) == (200, True, "2", 2)
        assert {orjson.loads(notice.read_bytes())["model_version"] for notice in notices} == {"2"}
        go_live(spec.root / "models" / "v1", model_version="v1")
        held = int(min(notices).stem)
        os.kill(held, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(1) as aside:
                waiting = aside.submit(lambda: reload(service))
                # one of the two that listen may be the stopped one: whoever answers, it can't be before both are there
                time.sleep(2)
                assert not waiting.done()
                os.kill(held, signal.SIGCONT)
                status, done = waiting.result(timeout=40)
        finally:
            os.kill(held, signal.SIGCONT)
        assert (status, done["new"], done["workers"]) == (200, "v1", 2)


def test_metrics_tell_of_every_worker(spec: ModelSpec, tmp_path: Path) -> None:
    def models() -> set[str]:
        with service.client() as client:
            text = client.get("/metrics").text
        return set(re.findall(r'^model_info\{.*version="(\w+)"', text, re.M)) | set(
            re.findall(r"^model_loaded ([01])", text, re.M)
        )

    with running(spec, WORKERS="2", TMPDIR=str(tmp_path), **OPEN) as service:
        notices = until(lambda: len(found := sorted(tmp_path.glob("portfolio-*/*.notice"))) == 2 and found)
        assert models() == {"1", "v1"}
        said = orjson.loads(notices[0].read_bytes())
        notices[0].write_bytes(orjson.dumps(said | {"model_version": "v0"}))  # as in the midst of a swap
        assert models() == {"1", "v0", "v1"}
        notices[0].write_bytes(orjson.dumps(said | {"model_version": None, "bundle": None}))
        assert models() == {"0", "v1"}


def test_a_restarted_worker_serves_what_the_others_do(spec: ModelSpec, tmp_path: Path) -> None:
    notices = partial(workers, tmp_path)
    with running(spec, WORKERS="2", TMPDIR=str(tmp_path), **OPEN) as service:
        until(lambda: len(notices()) == 2)
        go_live(write_bundle(spec, spec.root / "models" / "v2", seed=2), model_version="2")
        assert reload(service)[0] == 200
        victim = min(notices())
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in notices() and len(notices()) == 2)
        assert set(notices().values()) == {"2"}
        assert reload(service)[1]["workers"] == 2


def test_the_service_follows_the_champion_forth_and_back(spec: ModelSpec, mlflow: Mlflow) -> None:
    mlflow.make_champion(1)
    with running(spec, **mlflow.address, **OPEN) as service:
        assert version(service) == "1"  # from the first answer on
        mlflow.make_champion(2)
        until(lambda: version(service) == "2")
        assert ask(service, "/model/info")["bundle_version"] == "r2"
        mlflow.make_champion(1)
        status, done = reload(service)
        assert (status, done["old"], done["new"]) == (200, "2", "1")
        assert ask(service, "/model/info")["bundle_version"] == "r1"
        said = messages(service)
    assert (said.count("model loaded"), said.count("model taken from memory")) == (2, 1)


def test_an_altered_version_is_refused_once_and_the_old_goes_on(spec: ModelSpec, mlflow: Mlflow) -> None:
    mlflow.make_champion(1)
    with running(spec, **mlflow.address, **OPEN) as service:
        mlflow.make_champion(3)
        refused = until(lambda: ask(service, "/model/info")["last_refused"])
        assert (refused["model_version"], "not as it was signed: model.onnx" in refused["reason"]) == ("3", True)
        time.sleep(1)  # several looks later
        with service.client() as client:
            assert 'model_load_failures_total{stage="verify"} 1.0' in client.get("/metrics").text
        status, problem = reload(service)
        assert (status, "model.onnx" in problem["detail"]) == (409, True)
        assert version(service) == "1"
        mlflow.make_champion(2)
        assert reload(service)[1]["new"] == "2"
        assert ask(service, "/model/info")["last_refused"]["model_version"] == "3"
        assert messages(service).count("the champion is not made live") == 2


def test_mlflow_may_go_away_and_come_back(spec: ModelSpec, tmp_path: Path) -> None:
    with ExitStack() as server:
        mlflow = Mlflow(server.enter_context(mlflow_server(tmp_path)), tmp_path)
        for number in (1, 2):
            mlflow.register(number)
        mlflow.make_champion(1)
        with running(spec, **mlflow.address, **OPEN) as service:
            server.close()
            status, problem = reload(service)
            assert (status, problem["title"]) == (503, "Registry not available")
            assert version(service) == "1"
            server.enter_context(mlflow_server(tmp_path, int(mlflow.settings.mlflow_tracking_uri.rpartition(":")[2])))
            mlflow.make_champion(2)
            assert reload(service)[1]["new"] == "2"
            said = messages(service)
    assert (said.count("MLflow is away, the cache stays"), said.count("MLflow answers again")) == (1, 1)


def test_a_sidecar_that_was_killed_is_started_again(spec: ModelSpec, mlflow: Mlflow) -> None:
    mlflow.make_champion(1)
    with running(spec, **mlflow.address, **OPEN) as service:
        [killed] = sidecars(service)
        os.kill(killed, signal.SIGKILL)
        until(lambda: sidecars(service) not in ([], [killed]))
        mlflow.make_champion(2)
        until(lambda: version(service) == "2")
        assert "the sidecar ended, it is started again" in messages(service)


def test_a_bundle_that_was_damaged_in_the_cache_is_fetched_anew_for_the_worker_that_needs_it(
    spec: ModelSpec, mlflow: Mlflow, tmp_path: Path
) -> None:
    mlflow.make_champion(1)
    (spec.root / "models" / "current").unlink()
    with running(spec, WORKERS="2", TMPDIR=str(tmp_path), **mlflow.address, **OPEN) as service:
        until(lambda: len(workers(tmp_path)) == 2)
        graph = spec.root / "cache" / "r1" / "booster.txt"
        graph.write_bytes(graph.read_bytes() + b"x")
        os.kill(min(workers(tmp_path)), signal.SIGKILL)
        until(lambda: None in workers(tmp_path).values())  # the one that took its place
        assert reload(service)[1]["workers"] == 2
        assert {ask(service, "/health")["model_version"] for _ in range(20)} == {"1"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_sidecar_outlives_its_service(spec: ModelSpec, how: signal.Signals) -> None:
    with running(spec, MLFLOW_TRACKING_URI=NOWHERE, **OPEN) as service:
        [pid] = sidecars(service)
        began = start_time(pid)
        service.program.send_signal(how)
        until(lambda: start_time(pid) != began, seconds=15)
        service.program.wait(20)


def test_without_a_registry_there_is_no_sidecar(spec: ModelSpec) -> None:
    with running(spec, **OPEN) as service:
        assert sidecars(service) == []
        assert reload(service)[0] == 200


def test_a_cache_that_can_not_be_written_leaves_the_local_model(spec: ModelSpec, mlflow: Mlflow) -> None:
    mlflow.make_champion(1)
    (spec.root / "cache").touch()  # as root, rights alone keep nobody from writing
    with running(spec, **mlflow.address, **OPEN) as service:
        assert version(service) == "v1"
        assert "cache" in ask(service, "/model/info")["last_refused"]["reason"]
        status, problem = reload(service)
        assert (status, "was not fetched" in problem["detail"]) == (503, True)
        with service.client() as client:
            assert client.post("/predict", json=ORDER).status_code == 200
