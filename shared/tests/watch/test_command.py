"""`portfolio monitoring` as a user starts it: a process on a port, ended by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
from oversight import a_run
from services import TESTS, free_port, installed
from stores import prediction, ship
from toys import LATE, project

from portfolio import store
from portfolio.settings import Limits, Settings
from portfolio.watch import command

PORTFOLIO = str(Path(sys.executable).with_name("portfolio"))


@contextmanager
def monitoring(tmp_path: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """The service of a machine on which one toy is installed beside the repository's projects."""
    spec = installed(tmp_path / "toylate")
    path = os.pathsep.join([str(spec.root / "src"), str(TESTS)])
    environment = os.environ | {
        "PYTHONPATH": path,
        "MLFLOW_TRACKING_URI": "",
        "LOG_FORMAT": "json",
        "DATABASE_URL": f"sqlite:///{tmp_path}/portfolio.db",
        "MONITORING_INTERVAL_SECONDS": "300",
    }
    program = subprocess.Popen(
        [PORTFOLIO, "monitoring", *arguments], env=environment | settings, stderr=subprocess.PIPE, text=True
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def answer(program: subprocess.Popen[str], url: str) -> httpx.Response:
    """The first answer."""
    until = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, timeout=10)
        except httpx.TransportError:
            assert program.poll() is None, program.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.1)


def test_it_answers_on_its_port_and_leaves_at_sigterm(tmp_path: Path) -> None:
    port = free_port()
    with monitoring(tmp_path, "--port", str(port)) as program:
        health = answer(program, f"http://127.0.0.1:{port}/health").json()
        assert health["status"] == "healthy"
        assert health["patience_seconds"] == 3 * 300  # of MONITORING_INTERVAL_SECONDS
        assert "toylate" in {each["project"] for each in health["projects"]}
        assert httpx.get(f"http://127.0.0.1:{port}/runs").json() == {"runs": []}  # it made the store
        program.send_signal(signal.SIGTERM)
        _, log = program.communicate(timeout=20)
    assert program.returncode == 0, log


def test_it_starts_while_the_store_is_away_and_says_so(tmp_path: Path) -> None:
    port = free_port()
    away = "postgresql://nobody@127.0.0.1:9/nothing"
    with monitoring(tmp_path, "--port", str(port), DATABASE_URL=away) as program:
        assert answer(program, f"http://127.0.0.1:{port}/health").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/runs", timeout=30).status_code == 503
        assert httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).status_code == 200


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed, _taken() as port:
        subprocess.run(
            [PORTFOLIO, "monitoring", "--port", str(port)], check=True, capture_output=True, text=True, timeout=60
        )
    assert failed.value.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken." in failed.value.stderr


def test_what_is_older_than_the_retention_is_pruned_and_old_runs_are_thinned(settings: Settings) -> None:
    now = datetime.now(UTC)
    kept = settings.model_copy(update={"store_retention_days": 30})
    ship([prediction(0, at=now - timedelta(days=31)), prediction(1, at=now - timedelta(days=29))], kept)
    for hours in (1, 2, 3):
        store.add_run(a_run(at=(now - timedelta(days=10)).replace(hour=hours)), kept)
    pruned = command._prune(kept)
    assert (pruned.predictions, pruned.runs) == (1, 2)
    assert len(store.runs(kept, project="toylate", limit=9)) == 1


def test_a_projects_own_limits_are_those_that_are_shown_and_the_others_stay(tmp_path: Path) -> None:
    spec = project(LATE, tmp_path / "toylate")
    with (spec.root / "configs" / "config.yaml").open("a") as file:
        file.write("monitoring: {psi: {watch: 0.05, act: 0.15}}\n")
    policy = command._policy(spec)
    assert (policy.psi, policy.drifted) == (Limits(watch=0.05, act=0.15), Limits(watch=0.3, act=0.5))


@contextmanager
def _taken() -> Iterator[int]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
