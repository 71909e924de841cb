"""What people see while a job runs: a bar with rate and remaining time, or a line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from portfolio import terminal
from portfolio.batch.job import Done, Job

LINE_SECONDS = 10.0


class Watch(Protocol):
    """Is told how a job goes."""

    def notice(self, text: str) -> None:
        """Something that a reader should know."""

    def started(self, job: Job, finished: Mapping[int, Done]) -> None:
        """A job begins, with the parts that an earlier run has finished."""

    def finished(self, done: Done) -> None:
        """One more part is finished."""


class Shown:
    """A watch on a terminal, or on what isn't one. `scored` are the rows that this run has scored."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task: TaskID | None = None
        self._began = self._told = time.monotonic()
        self._rows = 0
        self.scored = 0
        self._used = self._size = 0

    def notice(self, text: str) -> None:
        self._console.print(text, markup=False)

    def started(self, job: Job, finished: Mapping[int, Done]) -> None:
        if finished:
            rows = sum(done.rows for done in finished.values())
            self.notice(f"going on where the last run ended: {len(finished):,} parts ({rows:,} rows) are there")
        self._used, self._size = sum(done.weight for done in finished.values()), job.size
        self._task = self._bar.add_task("scoring", total=job.size, completed=self._used, rate="")

    def finished(self, done: Done) -> None:
        self._rows += done.rows
        self.scored += done.rows - done.refused
        self._used += done.weight
        now = time.monotonic()
        rate = f"{self._rows:,} rows, {self._rows / (now - self._began):,.0f} a second"
        if self._task is not None:
            self._bar.update(self._task, completed=self._used, rate=rate)
        if not self._console.is_terminal and now - self._told > LINE_SECONDS:
            self._told = now
            self.notice(f"{self._used / max(self._size, 1):.0%}: {rate}")


@contextmanager
def shown() -> Iterator[Shown]:
    """A watch for people, on standard error."""
    console = terminal.notices()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    texts = (TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, *texts, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield Shown(console, bar)
