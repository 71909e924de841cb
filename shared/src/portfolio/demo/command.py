"""`portfolio demo run`, `up`, `down` and `table`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from portfolio import terminal
from portfolio.demo import flow
from portfolio.demo.errors import DemoError, Interrupted
from portfolio.demo.groups import Group, stop
from portfolio.demo.health import ask, look
from portfolio.demo.interrupt import Interrupt
from portfolio.demo.procfile import Service, find_root, read_procfile
from portfolio.demo.stack import Stack, say_stopped
from portfolio.demo.state import recall, remember
from portfolio.demo.table import show
from portfolio.settings import Settings, read_settings

INTERRUPTED = 130  # what a shell reports after Ctrl-C
MONITORING_SECONDS = "300"  # who tries it out waits five minutes for the next look, not a quarter of an hour

Quick = Annotated[bool, typer.Option("--quick", help="Train without a search: seconds instead of a minute.")]
Offset = Annotated[int, typer.Option(envvar="DEMO_PORT_OFFSET", help="Move every port by this.")]


def run(quick: Quick = False, port_offset: Offset = 0) -> None:
    """Train what has no champion, start MLflow, every API, monitoring and the dashboard. Ctrl-C stops all."""

    def command() -> int:
        stack = _stack(port_offset)
        running = recall(stack.root)
        if running:
            raise DemoError(f"The demo is up already ({_names(running)}).", remedy="Stop it first: make demo-down")
        return _tell(stack, lambda settings: flow.run(stack, settings, quick=quick))

    terminal.run(command)


def up(quick: Quick = False, port_offset: Offset = 0) -> None:
    """The same in the background."""

    def command() -> int:
        stack = _stack(port_offset)
        running = recall(stack.root)
        if running:
            return _show_running(stack, running)
        return _tell(stack, lambda settings: flow.up(stack, settings, quick=quick))

    terminal.run(command)


def down() -> None:
    """Stop what `up` or a lost `run` started; does nothing where nothing runs."""

    def command() -> None:
        root, console = find_root(Path.cwd()), terminal.output()
        running = recall(root)
        left = stop(running)
        remember(root, left)
        if running:
            say_stopped(console, running, left)
        else:
            console.print("The demo is not running.")

    terminal.run(command)


def table(services: Annotated[list[str], typer.Argument(metavar="NAME=PORT=ADDRESS...")]) -> None:
    """Show containers as the demo shows its processes: asked at an address inside, shown at the port outside."""

    def command() -> int:
        parts = [service.split("=", 2) for service in services]
        reports = [ask(Service(name, "", int(port), inside=address)) for name, port, address in parts]
        told = [replace(r, reason=f"{r.reason}; log: docker logs {r.name}") if r.reason else r for r in reports]
        return 0 if show(terminal.output(), told) else 1

    terminal.run(command)


def _stack(port_offset: int) -> Stack:
    root = find_root(Path.cwd())
    services = read_procfile(root / "Procfile", port_offset=port_offset)
    return Stack(root, services, Interrupt.listening(), terminal.output(), moved=port_offset != 0)


def _tell(stack: Stack, story: Callable[[Settings], bool]) -> int:
    prepare_environment(stack)
    try:
        return 0 if story(read_settings()) else 1
    except Interrupted:
        return INTERRUPTED


def prepare_environment(stack: Stack) -> None:
    """What this program and all that it starts shall see: the programs beside this one, and where the demo's are."""
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{stack.mlflow.port}"
    os.environ["API_ADDRESSES"] = stack.api_addresses
    os.environ.update(stack.dashboard_settings)
    if "monitoring_interval_seconds" not in read_settings().model_fields_set:
        os.environ["MONITORING_INTERVAL_SECONDS"] = MONITORING_SECONDS
    for name in ("no_proxy", "NO_PROXY"):  # a proxy can't reach this machine's own ports
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))


def _show_running(stack: Stack, running: Sequence[Group]) -> int:
    ports = {group.name: group.port for group in running if group.port}
    services = [replace(service, port=ports.get(service.name, service.port)) for service in stack.services]
    stack.console.print("The demo is up already.")
    if show(stack.console, [look(stack.root, service) for service in services]):
        return 0
    stack.console.print("To start anew: make demo-down demo-up")
    return 1


def _names(groups: Sequence[Group]) -> str:
    return ", ".join(group.name for group in groups)
