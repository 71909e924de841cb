"""`portfolio serve` as a user starts it: real processes, real ports, real signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from services import free_port, start, stop, wait_until_it_answers
from toys import LATE, ORDER, go_live, project, write_bundle

from bankchurn.model import SPEC as BANKCHURN
from portfolio.errors import ConfigError
from portfolio.serving import command
from portfolio.serving.command import serve
from portfolio.spec import ModelSpec

WORKER = """
import sys
from pathlib import Path
from dataclasses import replace
from starlette.testclient import TestClient
import bankchurn.api, carvision.api, telecomai.api
from bankchurn.model import SPEC
from portfolio.serving import create_app
with TestClient(create_app(replace(SPEC, folder=Path(sys.argv[1])))) as client:
    assert client.get("/health").json()["model_loaded"], client.get("/health").text
    [row] = client.get("/openapi.json").json()["components"]["schemas"]["Customer"]["examples"]
    assert client.post("/predict", json=row).status_code == 200
    assert client.post("/explain", json=row).status_code == 200
    heavy = {"sklearn", "pandas", "mlflow", "lightgbm", "scipy", "matplotlib", "portfolio.registry"} & set(sys.modules)
    assert not heavy, heavy
"""


@dataclass(frozen=True)
class Run:
    """What one service did between its start and the signal that ended it."""

    health: dict[str, Any]
    prediction: httpx.Response
    large: httpx.Response
    large_and_closing: httpx.Response
    returncode: int
    log: str


@pytest.fixture(
    scope="module",
    params=[("", signal.SIGINT), ("http://127.0.0.1:9", signal.SIGTERM)],
    ids=["without a registry, Ctrl-C", "with a dead registry, SIGTERM"],
)
def run(spec: ModelSpec, request: pytest.FixtureRequest) -> Run:
    """A service that started, answered and was stopped."""
    address, how = request.param
    port = free_port()
    service = start(spec, port, MLFLOW_TRACKING_URI=address)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        health = wait_until_it_answers(service, client)
        prediction = client.post("/predict", json=ORDER)
        large = client.post("/predict", content=b" " * 5_000_000)
        closing = client.post("/predict", content=b" " * 5_000_000, headers={"connection": "close"})
        returncode, log = stop(service, how)
    return Run(health, prediction, large, closing, returncode, log)


def test_it_serves_the_local_model(run: Run) -> None:
    assert (run.health["status"], run.health["version"], run.health["model_version"]) == ("healthy", "1.2.3", "v1")
    assert run.prediction.status_code == 200


def test_a_large_body_gets_its_answer_over_a_real_connection(run: Run) -> None:
    assert run.large.status_code == 413
    assert run.large.headers["content-type"] == "application/problem+json"


def test_a_large_body_gets_its_answer_even_where_the_connection_closes(run: Run) -> None:
    assert run.large_and_closing.status_code == 413


def test_a_signal_stops_it_cleanly(run: Run) -> None:
    assert run.returncode == 0
    assert "Traceback" not in run.log


def test_every_line_of_its_log_is_json(run: Run) -> None:
    lines = [json.loads(line) for line in run.log.splitlines()]
    assert "model loaded" in [line["message"] for line in lines]


def test_a_signal_during_the_fetch_stops_it_cleanly(spec: ModelSpec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections and never answers
        mute.settimeout(120)
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        service = start(spec, free_port(), MLFLOW_TRACKING_URI=address, MLFLOW_TIMEOUT_SECONDS="60")
        with mute.accept()[0]:
            returncode, log = stop(service, signal.SIGTERM)
    assert returncode == 0
    assert "Traceback" not in log


def test_a_taken_port_is_told_in_one_line_before_anything_starts(spec: ModelSpec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = start(spec, port)
        log = service.communicate(timeout=120)[1]
    assert service.returncode == 1
    assert log.count("\n") == 1
    assert f"Port {port} on 127.0.0.1 is taken." in log
    assert "--port" in log


def test_an_address_of_another_machine_is_told(spec: ModelSpec) -> None:
    with pytest.raises(ConfigError, match="is not an address of this machine"):
        serve(spec, host="192.0.2.1", port=free_port())


def test_an_unknown_host_is_told(spec: ModelSpec) -> None:
    with pytest.raises(ConfigError, match=r"no-such-host\.invalid"):
        serve(spec, host="no-such-host.invalid", port=free_port())


def test_a_broken_configuration_is_told_before_anything_starts(tmp_path: Path) -> None:
    placed = project(LATE, tmp_path / "toylate")
    (placed.root / "configs" / "config.yaml").write_text("prot: 1\n")
    with pytest.raises(ConfigError, match="prot"):
        serve(placed, host="127.0.0.1", port=free_port())


def test_a_worker_imports_no_training_library(tmp_path: Path) -> None:
    """Asked of a real project in a fresh interpreter: the tests' own one has trained."""
    placed = project(BANKCHURN, tmp_path / "bankchurn")
    go_live(write_bundle(placed, placed.root / "models" / "v1"), model_version="1")
    (placed.root / "configs" / "config.yaml").write_text("port: 1\nresponse:\n  risk_below: {LOW: 0.3, MEDIUM: 0.7}\n")
    command = [sys.executable, "-c", WORKER, str(placed.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_two_services_started_together_cannot_share_a_port() -> None:
    with closing(command.claim("127.0.0.1", 0)) as first, pytest.raises(OSError, match="in use"):
        command.claim("127.0.0.1", first.getsockname()[1]).close()
