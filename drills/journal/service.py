"""The API under the drill: started, killed with all its processes, asked what waits for the store."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from bench.tree import members
from drills.lifecycle.errors import DrillError
from drills.lifecycle.place import ROOT, Place

PATIENCE = 60.0
STOP_SECONDS = 30.0
FIGURE = re.compile(r"^(\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)


class Service:
    """`portfolio serve` in a session of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._program: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        with (self._place.folder / "api.log").open("ab") as log:
            self._program = subprocess.Popen(
                ["/bin/sh", "-c", self._place.api.command],
                cwd=self._place.folder,
                env=self._place.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._healthy, "the API is not healthy")

    def kill(self) -> None:
        """SIGKILL to every process of the service, the shipper included."""
        assert self._program
        for process in members(self._program.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._program.wait(STOP_SECONDS)

    def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        if self._program and self._program.poll() is None:
            self._program.terminate()
            try:
                self._program.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def figures(self) -> dict[str, float]:
        """What /metrics shows."""
        text = httpx2.get(f"{self._place.api.address}/metrics", timeout=PATIENCE).text
        return {name: float(value) for name, value in FIGURE.findall(text)}

    def _healthy(self) -> bool:
        try:
            return httpx2.get(f"{self._place.api.address}/health").is_success
        except httpx2.TransportError:
            return False


@contextmanager
def load(place: Place, bodies: str, answers: Path) -> Iterator[None]:
    """Constant load on the API from a process of its own, until the block ends."""
    command = [sys.executable, "-m", "drills.journal.load", str(place.api.port), bodies, str(answers)]
    with (place.folder / "load.log").open("ab") as log:
        program = subprocess.Popen(command, cwd=ROOT, env=place.environment, stdout=log, stderr=log)
    try:
        yield
        if program.poll() is not None:
            raise DrillError("The load ended by itself.", remedy="Its log is load.log.")
    finally:
        program.terminate()
        program.wait(STOP_SECONDS)


def until(happened: Callable[[], bool], otherwise: str, *, patience: float = PATIENCE) -> float:
    """Wait for it, and tell how many seconds that took; raises DrillError where it does not happen in time."""
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > patience:
            raise DrillError(f"After {patience:.0f} s {otherwise}.")
        time.sleep(0.1)
    return time.monotonic() - began
