"""The local engine: processes of one thread each, fed a part at a time."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from portfolio.batch.job import Done, Job, Part
from portfolio.batch.worker import KEPT, ONE_THREAD, Answer
from portfolio.errors import DataError

PATIENCE_SECONDS = 5.0

Member = subprocess.Popen[str]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def on_processes(job: Job, parts: Iterator[Part], *, most: int) -> Iterator[Done]:
    """Score parts on up to `most` processes, each started when there is a part for it; they finish in any order.

    Raises DataError for what a process reports, and where one ends before its time. However this ends, none is left.
    """
    with _crew(job) as crew:
        for part in parts:
            if crew.busy == most:
                yield crew.wait()
            crew.give(part)
        while crew.busy:
            yield crew.wait()


class Crew:
    """Running workers: those that score a part, and the idle ones."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._idle: list[Member] = []
        self._busy = selectors.DefaultSelector()
        self._members: list[Member] = []

    @property
    def busy(self) -> int:
        """How many are scoring."""
        return len(self._busy.get_map())

    def give(self, part: Part) -> None:
        """Let an idle worker score a part, or a new one."""
        member = self._idle.pop() if self._idle else self._hire()
        _tell(member, part.model_dump_json())
        self._busy.register(_pipe(member.stdout), selectors.EVENT_READ, member)

    def wait(self) -> Done:
        """The next part to be finished."""
        key, _ = self._busy.select()[0]
        member: Member = key.data
        line = _pipe(member.stdout).readline()
        if not line:
            raise _ended(member)
        self._busy.unregister(key.fileobj)
        self._idle.append(member)
        return Answer.model_validate_json(line).unwrap()

    def dismiss(self) -> None:
        """End all workers, whatever they do."""
        self._busy.close()
        for member in self._members:
            member.terminate()
        for member in self._members:
            with member:  # closes its pipes
                member.wait(PATIENCE_SECONDS)

    def _hire(self) -> Member:
        member = subprocess.Popen(
            [sys.executable, "-m", "portfolio.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ONE_THREAD,
            start_new_session=True,  # Ctrl-C is for the one who feeds it
        )
        self._members.append(member)
        _tell(member, self._job.model_dump_json())
        return member


@contextmanager
def _crew(job: Job) -> Iterator[Crew]:
    crew = Crew(job)
    try:
        yield crew
    finally:
        crew.dismiss()


def _tell(member: Member, line: str) -> None:
    try:
        _pipe(member.stdin).write(f"{line}\n")
        _pipe(member.stdin).flush()
    except BrokenPipeError:
        raise _ended(member) from None


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise TypeError("a worker is started with pipes")
    return stream


def _ended(member: Member) -> DataError:
    code = member.wait(PATIENCE_SECONDS)
    return DataError(
        f"A scoring process ended before its time, with code {code}{' (killed, for memory?)' if code == -9 else ''}.",
        remedy=KEPT,
    )
