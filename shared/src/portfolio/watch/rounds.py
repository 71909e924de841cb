"""Rounds: every project is looked at by a program of its own, one after the other, again and again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryFile
from threading import Event, Lock, Thread

from portfolio import logs
from portfolio.errors import PortfolioError
from portfolio.store import MonitoringRun

FIRST_SECONDS = 2.0  # until the first round: the service answers by then
PAUSE_SECONDS = 1.0  # between two rounds at least
RUN_SECONDS = 900.0  # longer, and a run hangs
STOP_SECONDS = 5.0
DAY = 86400.0
RESULTS = frozenset({0, 1, 2, 3})
"""Exit codes of `portfolio monitor` that say what was found: ok, watch, act, could not judge."""
LINE_LENGTH, REASONS = 300, 3

log = logs.logger(__name__)


class Rounds:
    """Runs `command(project)` for each project, every `seconds`, and `prune` once a day.

    `newest(project)` is the run that was stored last: a program that ends well but leaves no other there has failed,
    whatever its clock said. Evidently and pandas stay out of this process: they are the programs'.
    """

    def __init__(
        self,
        projects: Sequence[str],
        command: Callable[[str], Sequence[str]],
        *,
        newest: Callable[[str], MonitoringRun | None],
        prune: Callable[[], object],
        seconds: float,
    ) -> None:
        self.seconds = seconds
        self.failed: Counter[str] = Counter(dict.fromkeys(projects, 0))
        self._command, self._newest, self._prune = command, newest, prune
        self._ended, self._lasted = time.monotonic(), 0.0
        self._pruned = float("-inf")
        self._over, self._lock = Event(), Lock()
        self._program: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._go_on, name="rounds", daemon=True)

    @property
    def failures(self) -> Mapping[str, int]:
        """Runs that could not be done at all, by project."""
        return dict(self.failed)

    @property
    def idle_seconds(self) -> float:
        """Since the last look ended, or the start where none has; 0 during one, which RUN_SECONDS ends."""
        return 0.0 if self._program else time.monotonic() - self._ended

    @property
    def patience_seconds(self) -> float:
        """How long there may be no run of a project: three intervals, or two more than a round takes."""
        return max(3 * self.seconds, self._lasted + 2 * self.seconds)

    @property
    def stopped(self) -> bool:
        """Whether nothing has been looked at for so long that something is wrong."""
        return self.idle_seconds > self.patience_seconds

    def start(self) -> None:
        """Begin soon."""
        self._thread.start()

    def stop(self) -> None:
        """End, and the program that runs with it."""
        with self._lock:
            self._over.set()
            if self._program:
                self._program.terminate()
        self._thread.join(STOP_SECONDS)
        if (program := self._program) and self._thread.is_alive():
            program.kill()
            self._thread.join()

    def go_round(self) -> None:
        """Look at every project once."""
        began = time.monotonic()
        for project in self.failed:
            if not self._over.is_set():
                self._look_at(project)
                self._ended = time.monotonic()
        self._lasted = time.monotonic() - began

    def _go_on(self) -> None:
        self._over.wait(FIRST_SECONDS)
        while not self._over.is_set():
            began = time.monotonic()
            self.go_round()
            self._prune_daily()
            self._over.wait(max(PAUSE_SECONDS, began + self.seconds - time.monotonic()))

    def _look_at(self, project: str) -> None:
        began = time.monotonic()
        found = self._run(project)
        if self._over.is_set():
            return
        if isinstance(found, str):
            self.failed[project] += 1
            log.error("monitoring run failed", project=project, reason=found)
            return
        seconds, reasons = round(time.monotonic() - began, 1), " · ".join(found.reasons[:REASONS])
        log.info("monitoring run", project=project, decision=found.decision, reasons=reasons, seconds=seconds)

    def _run(self, project: str) -> MonitoringRun | str:
        """The new run, or why there is none."""
        try:
            before = self._newest(project)
            code, last_line = self._execute(self._command(project))
            run = self._newest(project)
            if code in RESULTS and run and (before is None or run.id != before.id):
                return run
        except PortfolioError as error:
            return error.detail
        except OSError as error:
            return f"it could not be started: {error}"
        return f"exit code {code}: {last_line}"

    def _execute(self, command: Sequence[str]) -> tuple[int, str]:
        """Exit code and last line of a program; one that takes too long is killed."""
        bound = [sys.executable, "-m", "portfolio.watch.bound", str(os.getpid()), *command]
        with TemporaryFile() as said:
            with self._lock:
                if self._over.is_set():
                    return -1, "the service stops"
                self._program = subprocess.Popen(bound, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
            try:
                code = self._program.wait(RUN_SECONDS)
            except subprocess.TimeoutExpired:
                self._program.kill()
                self._program.wait()
                return -1, f"killed, as it took longer than {RUN_SECONDS:.0f} s"
            finally:
                with self._lock:
                    self._ended = time.monotonic()  # first: without a program it is what `stopped` goes by
                    self._program = None
            said.seek(0)
            return code, _last_line(said.read().decode(errors="replace"))

    def _prune_daily(self) -> None:
        if time.monotonic() - self._pruned < DAY:
            return
        try:
            pruned = self._prune()
        except PortfolioError as error:
            log.error("the store is not pruned", reason=error.detail)
            return
        self._pruned = time.monotonic()
        log.info("the store is pruned", removed=str(pruned))


def _last_line(said: str) -> str:
    """The last one with words: what draws a box around an error ends with its edge."""
    lines = [line.strip(" │|") for line in said.splitlines() if any(map(str.isalpha, line))]
    return lines[-1][:LINE_LENGTH] if lines else "without a word"
