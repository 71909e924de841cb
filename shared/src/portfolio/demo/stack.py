"""The stack: what this command has started, remembered on disk from the first moment on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from portfolio.demo.errors import DemoError, Interrupted
from portfolio.demo.groups import Group, alive, start_time, stop
from portfolio.demo.interrupt import Interrupt
from portfolio.demo.procfile import DASHBOARD, MLFLOW, MONITORING, Service
from portfolio.demo.state import log_of, remember

POLL_SECONDS = 0.1
DEFAULTS = {"LOG_FORMAT": "text", "DRAIN_SECONDS": "0"}  # logs are for people, and no balancer looks on


@dataclass
class Stack:
    """The services of the Procfile in `root`, and the programs that were started of them."""

    root: Path
    services: tuple[Service, ...]
    interrupt: Interrupt
    console: Console
    moved: bool = False  # to other ports than those that every command looks at
    _started: dict[Group, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def mlflow(self) -> Service:
        """The registry, on which all others wait."""
        return next(service for service in self.services if service.name == MLFLOW)

    @property
    def apis(self) -> tuple[Service, ...]:
        """One service a project."""
        return tuple(service for service in self.services if service.name not in (MLFLOW, MONITORING, DASHBOARD))

    @property
    def others(self) -> tuple[Service, ...]:
        """All but the registry, which was started before."""
        return tuple(service for service in self.services if service.name != MLFLOW)

    @property
    def api_addresses(self) -> str:
        """Where the APIs are, as the setting of that name has it."""
        return json.dumps({api.name: api.address for api in self.apis})

    @property
    def dashboard_settings(self) -> dict[str, str]:
        """Where the dashboard finds everything, by the variables that it reads."""
        urls = {MLFLOW: "MLFLOW_URL", MONITORING: "MONITORING_URL"}
        found = {urls[service.name]: service.both for service in self.services if service.name in urls}
        return found | {"PORTFOLIO_APIS": ",".join(api.both for api in self.apis)}

    def start(self, services: Sequence[Service]) -> None:
        """Start services, each with a log of its own."""
        for service in services:
            path = log_of(self.root, service.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as log:
                program = self._spawn(["/bin/sh", "-c", service.command], stdout=log, stderr=subprocess.STDOUT)
            self._keep(Group(service.name, program.pid, start_time(program.pid), service.port), program)

    def run(self, name: str, command: Sequence[str]) -> int:
        """Run a task on this terminal until it ends; returns its exit code."""
        program = self._spawn(command, env=DEFAULTS | dict(os.environ))
        group = Group(name, program.pid, start_time(program.pid))
        self._keep(group, program)
        while program.poll() is None:
            self.pause()
        self._forget(group)
        return program.returncode

    def pause(self) -> None:
        """Wait a moment; raises Interrupted where someone asked to stop."""
        self.interrupt.pause(POLL_SECONDS)

    def stay(self) -> bool:
        """Wait until someone asks to stop, or nothing is left; returns whether all ran to the end."""
        ended: dict[str, int] = {}
        try:
            while len(ended) < len(self._started):
                self.pause()
                for name in self.ended().keys() - ended.keys():
                    self.console.print(f"[bold red]{name}[/] has ended; log: {log_of(self.root, name)}")
                ended = self.ended()
        except Interrupted:
            return not ended
        return False

    def ended(self) -> dict[str, int]:
        """Exit codes of the programs that have ended by themselves, by name."""
        codes = {group.name: program.poll() for group, program in self._started.items()}
        return {name: code for name, code in codes.items() if code is not None}

    @contextmanager
    def stopped_at_the_end(self) -> Iterator[None]:
        """Stop everything when the block ends, however it does."""
        try:
            yield
        finally:
            self.stop()

    @contextmanager
    def stopped_on_failure(self) -> Iterator[None]:
        """Leave everything running when the block succeeds."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was started; raises DemoError where something doesn't end."""
        groups = alive(tuple(self._started))
        left = stop(groups)
        for program in self._started.values():
            program.poll()  # collects the dead
        self._started.clear()
        remember(self.root, left)
        if groups:
            say_stopped(self.console, groups, left)

    def _spawn(self, command: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        # a session of its own: Ctrl-C reaches the demo alone, which then stops all in order
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            command, cwd=self.root, start_new_session=True, stdin=subprocess.DEVNULL, **options
        )

    def _keep(self, group: Group, program: subprocess.Popen[bytes]) -> None:
        self._started[group] = program
        remember(self.root, tuple(self._started))

    def _forget(self, group: Group) -> None:
        del self._started[group]
        remember(self.root, tuple(self._started))


def say_where(stack: Stack) -> None:
    """Where the ports were moved, what other commands must be told to find this stack."""
    if stack.moved:
        stack.console.print("For other commands, such as `portfolio models`:")
        stack.console.print(f"export MLFLOW_TRACKING_URI={stack.mlflow.address}", markup=False)
        stack.console.print(f"export API_ADDRESSES='{stack.api_addresses}'", markup=False)


def say_stopped(console: Console, groups: Sequence[Group], left: Sequence[Group]) -> None:
    """Say what was stopped; raises DemoError naming what could not be."""
    console.print(f"stopped: {', '.join(group.name for group in groups if group not in left) or 'nothing'}")
    if left:
        pids = " ".join(f"-{group.pid}" for group in left)
        raise DemoError(f"Still there: {', '.join(group.name for group in left)}.", remedy=f"Try: kill -KILL -- {pids}")
