"""What is started is logged, remembered, and stopped when it shall be."""

import json
import os
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cockpit import services
from portfolio.demo.command import prepare_environment
from portfolio.demo.errors import Interrupted
from portfolio.demo.groups import alive
from portfolio.demo.procfile import Service
from portfolio.demo.stack import Stack, say_where
from portfolio.demo.state import log_of, recall
from portfolio.settings import read_settings


def test_services_run_at_once_with_a_log_each(stack: Stack, tmp_path: Path) -> None:
    stack.start(stack.services)
    assert [(group.name, group.port) for group in recall(tmp_path)] == [("mlflow", 25000), ("bankchurn", 28001)]
    deadline = time.monotonic() + 10
    while log_of(tmp_path, "bankchurn").read_text() != "from bankchurn\n":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_leaving_the_foreground_block_stops_all(stack: Stack, tmp_path: Path) -> None:
    with stack.stopped_at_the_end():
        stack.start(stack.services)
        running = recall(tmp_path)
    assert alive(running) == ()
    assert recall(tmp_path) == ()
    assert "stopped: mlflow, bankchurn" in said(stack)


def test_a_background_start_that_succeeds_leaves_all_running(stack: Stack, tmp_path: Path) -> None:
    with stack.stopped_on_failure():
        stack.start(stack.services)
    assert len(recall(tmp_path)) == 2


def test_a_background_start_that_fails_leaves_nothing_running(stack: Stack, tmp_path: Path) -> None:
    stack.start(stack.services)
    stack.interrupt.ask()
    with pytest.raises(Interrupted), stack.stopped_on_failure():
        stack.pause()
    assert recall(tmp_path) == ()


def test_ctrl_c_during_a_task_stops_the_task_and_the_services(stack: Stack, tmp_path: Path) -> None:
    stack.start(stack.services)
    seen: list[str] = []

    def ask() -> None:
        seen.extend(group.name for group in recall(tmp_path))
        stack.interrupt.ask()

    threading.Timer(0.4, ask).start()
    with pytest.raises(Interrupted), stack.stopped_at_the_end():
        stack.run("training of bankchurn", ["sleep", "60"])
    assert seen == ["mlflow", "bankchurn", "training of bankchurn"]
    assert recall(tmp_path) == ()


def test_a_task_tells_its_exit_code_and_is_forgotten(stack: Stack, tmp_path: Path) -> None:
    assert stack.run("data", ["/bin/sh", "-c", "exit 3"]) == 3
    assert recall(tmp_path) == ()


def test_staying_ends_in_peace_when_someone_asks(stack: Stack) -> None:
    stack.start(stack.services)
    stack.interrupt.ask()
    assert stack.stay()


def test_staying_names_what_ends_by_itself(stack: Stack, tmp_path: Path) -> None:
    stack.start([replace(stack.mlflow, command="exit 4")])
    assert not stack.stay()
    assert f"mlflow has ended; log: {log_of(tmp_path, 'mlflow')}" in said(stack)


def test_a_moved_stack_says_how_other_commands_find_it(stack: Stack) -> None:
    say_where(stack)
    assert said(stack) == ""
    say_where(replace(stack, moved=True))
    program = said(stack).partition("\n")[2] + 'echo "$MLFLOW_TRACKING_URI $API_ADDRESSES"'
    shown = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=True).stdout
    registry, apis = shown.split(" ", 1)
    assert registry == "http://127.0.0.1:25000"
    assert json.loads(apis) == {"bankchurn": "http://127.0.0.1:28001"}


@pytest.mark.parametrize(("wished", "seconds"), [("", "300"), ("MONITORING_INTERVAL_SECONDS=77", "77")])
def test_the_demo_looks_every_five_minutes_unless_somebody_wants_it_otherwise(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wished: str, seconds: str
) -> None:
    put_back(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(wished)
    prepare_environment(stack)
    assert str(int(read_settings().monitoring_interval_seconds)) == seconds


def test_the_monitoring_service_and_the_dashboard_are_no_apis(stack: Stack) -> None:
    stack.services = (*stack.services, Service("monitoring", "", 28010), Service("dashboard", "", 28501))
    assert [service.name for service in stack.apis] == ["bankchurn"]
    assert [service.name for service in stack.others] == ["bankchurn", "monitoring", "dashboard"]
    assert json.loads(stack.api_addresses).keys() == {"bankchurn"}


def test_the_dashboard_is_told_where_it_asks_and_what_it_links_to_after_a_move_too(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back(monkeypatch)
    monkeypatch.chdir(tmp_path)
    stack.services = (
        *stack.services,
        Service("carvision", "", 28002),
        Service("monitoring", "", 28010),
        Service("dashboard", "", 28501),
    )
    prepare_environment(stack)
    apis = [(each.address, each.shown) for each in services.api_services()]
    assert apis == [(f"http://127.0.0.1:{port}", f"http://localhost:{port}") for port in (28001, 28002)]
    assert services.monitoring() == services.Service("http://127.0.0.1:28010", "http://localhost:28010")
    assert services.mlflow() == services.Service("http://127.0.0.1:25000", "http://localhost:25000")


def put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what `prepare_environment` sets be as it was afterwards."""
    for name in ("PATH", "MLFLOW_TRACKING_URI", "API_ADDRESSES", "no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, os.environ.get(name, "{}"))
    for name in ("MONITORING_INTERVAL_SECONDS", "PORTFOLIO_APIS", "MONITORING_URL", "MLFLOW_URL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def said(stack: Stack) -> str:
    return stack.console.file.getvalue()  # type: ignore[attr-defined,no-any-return]
