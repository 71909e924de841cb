"""The running API as its clients and its operator see it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from drills.lifecycle.answers import OK, read
from drills.lifecycle.errors import DrillError
from drills.lifecycle.place import Place

SETTLED_SECONDS, ENOUGH = 0.5, 100
PATIENCE = 60.0


@dataclass(frozen=True)
class Service:
    """The API of a place, and the file of the answers that the load gets from it."""

    place: Place
    answers: Path

    def healthy(self) -> bool:
        """Whether it answers that it is."""
        try:
            return httpx2.get(f"{self.place.api.address}/health").status_code == OK
        except httpx2.TransportError:
            return False

    def failure(self) -> dict[str, Any]:
        """The last version that it did not make live, and why."""
        return dict(httpx2.get(f"{self.place.api.address}/model/info").json()["last_failure"] or {})

    def wait_until_all_from(self, version: int) -> None:
        """Until every answer of the last half second is from a version."""

        def settled() -> bool:
            answers = read(self.answers)
            late = answers[answers["received"] > time.monotonic() - SETTLED_SECONDS]
            return len(late) >= ENOUGH and bool((late["version"] == version).all())

        until(settled, f"not every answer is from version {version}")

    def wait_until_refused(self, version: int) -> dict[str, Any]:
        """Until it has refused a version; returns how it tells of that."""
        until(lambda: self.failure().get("model_version") == str(version), f"version {version} was not refused")
        return self.failure()


def until(happened: Callable[[], bool], otherwise: str) -> None:
    """Wait for it; raises DrillError where it does not happen within a minute."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            raise DrillError(f"A minute later {otherwise}.")
        time.sleep(0.1)
