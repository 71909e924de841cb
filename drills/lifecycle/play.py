"""The acts of the drill: each does something to the champion, then waits until the answers show what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from drills.claims import Check
from drills.lifecycle import checks, programs
from drills.lifecycle.answers import last_other, read
from drills.lifecycle.champions import Watch, point
from drills.lifecycle.errors import DrillError
from drills.lifecycle.place import PROJECT, Place, spelled
from drills.lifecycle.service import Service
from drills.lifecycle.versions import Spoilt

Say = Callable[[str], None]


@dataclass(frozen=True)
class Way:
    """How the API learns of a new champion, and within how many seconds it alone must answer after a rollback."""

    name: str
    limit: float
    environment: Mapping[str, str]


BY_POLL = Way("the poll", 10.0, {"ADMIN_KEY": ""})  # who has no key can't tell the API, and waits for its next look
BY_RELOAD = Way("/admin/reload", 1.0, {})


@dataclass
class Play:
    """A place in which everything runs, and what was found so far."""

    place: Place
    service: Service
    watch: Watch
    say: Say
    found: list[Check] = field(default_factory=list)

    def begin(self, version: int) -> None:
        """Wait for the first champion's answers."""
        self.service.wait_until_all_from(version)
        self.say(f"under load; version {version} answers")

    def promote(self, version: int, by: Way) -> None:
        """Make a version the champion."""
        seconds = self._change(version, by, "promote", PROJECT, "--version", str(version))
        self.say(f"version {version} promoted; by {by.name} it alone answers after {seconds:.2f} s")

    def roll_back(self, version: int, by: Way) -> None:
        """Go back to the champion before, which is this version, and judge how long it took."""
        seconds = self._change(version, by, "rollback", PROJECT, "--reason", "drill")
        self.say(f"rolled back to version {version}; by {by.name} it alone answers after {seconds:.2f} s")
        self.found.append(checks.rolled_back(seconds, by.limit, how=by.name))

    def refuse(self, version: Spoilt) -> None:
        """Promote as an operator would: the command refuses."""
        ended = self.place.command("promote", PROJECT, "--version", str(version.number))
        self.say(f"promoting version {version.number} ended with exit code {ended.code}: {version.what}")
        self.found.append(checks.refused_by_command(ended, version))

    def point_by_hand(self, version: Spoilt, *, then: int) -> None:
        """Set the alias past every check, and put it back: the API refuses, and goes on with the last good one."""
        point(self.place, version.number)
        failure = self.service.wait_until_refused(version.number)
        point(self.place, then)
        self.say(f"version {version.number} made champion by hand, refused by the API; the alias is put back")
        self.found.append(checks.refused_by_service(failure, version))

    def outage(self, mlflow: programs.Program, stack: ExitStack, *, seconds: float) -> None:
        """Kill the registry, wait, start it again; `stack` ends it."""
        programs.kill(mlflow)
        self.say(f"MLflow is killed, and stays away for {seconds:g} s")
        time.sleep(seconds)
        stack.enter_context(programs.mlflow(self.place))
        self.say("MLflow is back")

    def _change(self, version: int, by: Way, *command: str) -> float:
        """Seconds from the move of the alias to the last answer of any version but this one."""
        ended = self.place.command(*command, **by.environment)
        if ended.code:
            raise DrillError(f"{spelled(command)} ended with exit code {ended.code}.", remedy=ended.said[-2000:])
        self.service.wait_until_all_from(version)
        return last_other(read(self.service.answers), version, since=self.watch.reigns[-1].start)
