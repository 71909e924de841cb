"""Keeps what stands beside the workers running as long as the service does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from threading import Event, Lock, Thread

from portfolio import logs

SOON, LATE = 1.0, 60.0  # until one that died is started again, doubled each time; who lived long died by chance
STOP_SECONDS = 5.0

log = logs.logger(__name__)


class Keeper:
    """Runs a program; one that dies is started again. Everything is started by one thread that lives as long.

    The kernel ends a process that asked for it when the thread that started it ends, so a passing one won't do.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self._name, self._command = name, command
        self._program: subprocess.Popen[bytes] | None = None
        self._over, self._lock = Event(), Lock()
        self._thread = Thread(target=self._run, name=f"keeper of the {name}", daemon=True)
        self.deaths = 0

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over.set()
            if self._program:
                self._program.terminate()
        self._thread.join(STOP_SECONDS)
        if self._program and self._thread.is_alive():
            self._program.kill()
            self._thread.join()

    def _run(self) -> None:
        pause = SOON
        while program := self._start():
            began = time.monotonic()
            code = program.wait()
            pause = SOON if time.monotonic() - began > LATE else min(2 * pause, LATE)
            self.deaths += 1
            if not self._over.is_set():
                log.error(f"the {self._name} ended, it is started again", exit_code=code, in_seconds=pause)
            self._over.wait(pause)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._over.is_set():
                return None
            # a session of its own: Ctrl-C in the terminal comes to the service, and ends this one from here; and Linux
            # weighs sessions, so that this one can give way without the workers giving way as well
            self._program = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)
            return self._program
