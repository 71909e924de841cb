"""Process groups: a program that the demo started, with all of its children, told from others by its start time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
ASKED_SECONDS, KILLED_SECONDS = 15.0, 5.0


@dataclass(frozen=True)
class Group:
    """A process group, by the pid of its first program. `port` is None for a task that ends by itself."""

    name: str
    pid: int
    started: str
    port: int | None = None


@dataclass(frozen=True)
class Member:
    """A running program, as the system lists it."""

    pid: int
    group: int
    started: str


def start_time(pid: int) -> str:
    """When a pid's program started, in the system's own unit; empty where it doesn't run."""
    return next((member.started for member in _running() if member.pid == pid), "")


def alive(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Those of which something still runs. A pid that now belongs to another program is not alive."""
    running = list(_running())
    return tuple(group for group in groups if _members(group, running))


def stop(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Ask all of them to end, then end those that don't; returns what is still there."""
    for group in alive(groups):
        # Python clears up at Ctrl-C but not at SIGTERM, and a task has half-written files to clear up
        _send(group, signal.SIGTERM if group.port else signal.SIGINT)
    _wait_for_end(groups, ASKED_SECONDS)
    for group in alive(groups):
        _send(group, signal.SIGKILL)
    _wait_for_end(groups, KILLED_SECONDS)
    return alive(groups)


def _send(group: Group, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended meanwhile
        os.killpg(group.pid, number)


def _wait_for_end(groups: Sequence[Group], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while alive(groups) and time.monotonic() < deadline:
        time.sleep(0.05)


def _members(group: Group, running: Sequence[Member]) -> list[Member]:
    # the system gives no new program the number of a group that still has members, so a group
    # without its first program is the old one
    if any(member.pid == group.pid and member.started != group.started for member in running):
        return []
    return [member for member in running if member.group == group.pid]


def _running() -> Iterator[Member]:
    """All programs but the dead that nobody has collected yet."""
    if not PROC.joinpath("self", "stat").exists():
        yield from _listed_by_ps()
        return
    for path in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            pid, _, rest = path.read_text(errors="replace").partition(" (")
            fields = rest.rpartition(") ")[2].split()
            if fields[0] not in "ZX":
                yield Member(int(pid), int(fields[2]), fields[19])


def _listed_by_ps() -> Iterator[Member]:
    listed = subprocess.run(["ps", "-axo", "pid=,pgid=,stat=,lstart="], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, group, state, started = line.split(maxsplit=3)
        if not state.startswith("Z"):
            yield Member(int(pid), int(group), started)
