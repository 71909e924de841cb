"""A new version goes live without a restart and without a failed request: real processes."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import orjson
import pytest
from services import Service, Wire, installed, post, running
from toys import ORDER, go_live, write_bundle
from watching import OPEN, ask, metrics, reload, sidecars, until, workers

from portfolio.serving.board import start_time
from portfolio.spec import ModelSpec

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A project with the local model v1, installed, for one test alone."""
    return installed(tmp_path / "toylate")


@dataclass(frozen=True)
class Pair:
    """A service of two workers, and the folder of its temporary files."""

    service: Service
    models: Path
    folder: Path

    def notices(self) -> list[Path]:
        """What the workers have posted."""
        return sorted(self.folder.glob("portfolio-*/*.notice"))


@pytest.fixture(scope="module")
def running_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A service of two workers, with another version beside the one that is live."""
    folder = tmp_path_factory.mktemp("pair")
    spec = installed(folder / "toylate")
    write_bundle(spec, spec.root / "models" / "v2", seed=2)
    with running(spec, WORKERS="2", TMPDIR=str(folder), **OPEN) as service:
        until(lambda: len(workers(folder)) == 2)
        yield Pair(service, spec.root / "models", folder)


@pytest.fixture
def pair(running_pair: Pair) -> Pair:
    """The service of two workers, both of which serve v1."""
    go_live(running_pair.models / "v1", model_version="v1")
    assert reload(running_pair.service)[1]["new"] == "v1"
    return running_pair


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_swap_under_load_fails_no_request_and_switches_once(spec: ModelSpec, workers: str) -> None:
    over = Event()
    answers: list[list[tuple[int, str]]] = [[] for _ in range(4)]

    def load(answers: list[tuple[int, str]]) -> None:
        with Wire(service.port) as wire:
            while not over.is_set():
                wire.send(post(orjson.dumps(ORDER)))
                reply = wire.read()
                answers.append((reply.status, reply.json()["model_version"]) if reply else (0, "cut"))

    with running(spec, WORKERS=workers, **OPEN) as service, ThreadPoolExecutor(4) as clients:
        loads = [clients.submit(load, mine) for mine in answers]
        until(lambda: all(len(mine) > 100 for mine in answers))
        go_live(write_bundle(spec, spec.root / "models" / "v2", seed=2), model_version="2")
        until(lambda: all(mine[-100:] == [(200, "2")] * 100 for mine in answers), seconds=20)
        over.set()
        for each in loads:
            each.result(timeout=20)
    for mine in answers:  # a connection stays with its worker
        assert {status for status, _ in mine} == {200}
        versions = [version for _, version in mine]
        assert [v for v, before in zip(versions, ["", *versions], strict=False) if v != before] == ["v1", "2"]


def test_a_reload_waits_for_both_workers(pair: Pair) -> None:
    go_live(pair.models / "v2", model_version="2")
    status, done = reload(pair.service)
    assert (status, done["old"] in ("v1", "2"), done["new"], done["workers"]) == (200, True, "2", 2)
    assert {orjson.loads(notice.read_bytes())["model_version"] for notice in pair.notices()} == {"2"}
    go_live(pair.models / "v1", model_version="v1")
    held = min(workers(pair.folder))
    os.kill(held, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as aside:
            waiting = aside.submit(lambda: reload(pair.service))
            # one of the two that listen may be the stopped one: whoever answers, it can't be before both are there
            time.sleep(1)
            assert not waiting.done()
            os.kill(held, signal.SIGCONT)
            status, done = waiting.result(timeout=40)
    finally:
        os.kill(held, signal.SIGCONT)
    assert (status, done["new"], done["workers"]) == (200, "v1", 2)


def test_metrics_and_model_info_tell_of_every_worker(pair: Pair) -> None:
    def told() -> tuple[set[str], str, list[str]]:
        text = metrics(pair.service)
        [loaded] = re.findall(r"^model_loaded ([01])", text, re.M)
        return (
            set(re.findall(r'^model_info\{.*version="(\w+)"', text, re.M)),
            loaded,
            ask(pair.service, "/model/info")["live_versions"],
        )

    assert told() == ({"v1"}, "1", ["v1"])
    notice = pair.notices()[0]
    said = orjson.loads(notice.read_bytes())
    notice.write_bytes(orjson.dumps(said | {"model_version": "v0"}))  # as in the midst of a swap
    assert told() == ({"v0", "v1"}, "1", ["v0", "v1"])
    notice.write_bytes(orjson.dumps(said | {"model_version": None, "bundle": None}))
    assert told() == ({"v1"}, "0", ["v1"])


def test_model_info_tells_what_any_worker_could_not_load(pair: Pair) -> None:
    notice = pair.notices()[0]
    said = orjson.loads(notice.read_bytes())
    failure = {"model_version": "9", "bundle": "v9", "stage": "load", "reason": "altered", "detail": "x", "at": "2999"}
    notice.write_bytes(orjson.dumps(said | {"failure": failure}))
    assert {str(ask(pair.service, "/model/info")["last_failure"]) for _ in range(10)} == {str(failure)}


def test_a_restarted_worker_serves_what_the_others_do(pair: Pair) -> None:
    notices = partial(workers, pair.folder)
    go_live(pair.models / "v2", model_version="2")
    assert reload(pair.service)[0] == 200
    victim = min(notices())
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in notices() and len(notices()) == 2)
    assert set(notices().values()) == {"2"}
    assert reload(pair.service)[1]["workers"] == 2


def test_a_version_that_a_worker_refuses_is_counted_by_its_reason(pair: Pair) -> None:
    bundle = unsigned(pair)
    go_live(bundle, model_version="3")
    status, problem = reload(pair.service)
    assert (status, "is not signed" in problem["detail"]) == (409, True)
    counted = re.findall(r'model_load_failures_total\{reason="(\w+)",stage="(\w+)"\} (\d+)', metrics(pair.service))
    assert [(reason, stage) for reason, stage, number in counted if number != "0"] == [("unsigned", "load")]
    assert ask(pair.service, "/health")["model_version"] == "v1"


def unsigned(pair: Pair) -> Path:
    """A version that nobody has signed."""
    bundle = pair.models / "v3"
    bundle.mkdir()
    for file in (pair.models / "v2").iterdir():
        if file.name != "model.sig":
            (bundle / file.name).write_bytes(file.read_bytes())
    return bundle


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_sidecar_outlives_its_service(spec: ModelSpec, how: signal.Signals) -> None:
    with running(spec, MLFLOW_TRACKING_URI=NOWHERE, **OPEN) as service:
        [pid] = sidecars(service)
        began = start_time(pid)
        service.program.send_signal(how)
        until(lambda: start_time(pid) != began, seconds=15)
        service.program.wait(20)


def test_without_a_registry_there_is_no_sidecar(pair: Pair) -> None:
    assert sidecars(pair.service) == []
    assert ask(pair.service, "/model/info")["follows_registry"] is False
