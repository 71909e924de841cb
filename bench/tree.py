"""A process with all its children: started on one core, paused, watched, stopped. Read from /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 10.0
SAMPLE_SECONDS = 0.05

Program = subprocess.Popen[bytes]


def start(command: Sequence[str], *, core: int | None, env: Mapping[str, str], folder: Path, log: Path) -> Program:
    """Start a command in a session of its own, on one core where one is named."""
    pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
    with log.open("wb") as out:
        return subprocess.Popen(
            [*pinned, *command],
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def members(pid: int) -> list[int]:
    """The process and all that came from it, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def move(pid: int, program: str, *, core: int) -> None:
    """Give those of them that run a program another core."""
    for one in members(pid):
        with suppress(OSError):
            if program in (Path("/proc") / str(one) / "cmdline").read_text().split("\0"):
                os.sched_setaffinity(one, {core})


def pause(pid: int) -> None:
    """Stop the clock of all of them: an idle server that polls would slow down the one that is measured."""
    _signal(members(pid), signal.SIGSTOP)


def resume(pid: int) -> None:
    """Let all of them go on."""
    _signal(members(pid), signal.SIGCONT)


def stop(program: Program) -> None:
    """End all of them, politely first."""
    everyone = members(program.pid)
    _signal(everyone, signal.SIGCONT)
    _signal([program.pid], signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        program.wait(STOP_SECONDS)
    _signal(everyone, signal.SIGKILL)
    program.wait()


def memory(pid: int) -> int:
    """Bytes that all of them hold: the sum of their proportional set sizes, in which a shared page counts once."""
    return sum(map(_proportional, members(pid)))


def resident(pid: int) -> int:
    """Bytes of one process, shared pages and all."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass
class Peak:
    """The largest memory seen so far, in bytes."""

    bytes: int = 0


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Sample the memory of a process and its children until the block ends."""
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            peak.bytes = max(peak.bytes, memory(pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield peak
    finally:
        done.set()
        sampler.join()


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _proportional(pid: int) -> int:
    with suppress(OSError):  # it may have ended meanwhile
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
