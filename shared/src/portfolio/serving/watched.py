"""What the workers of a service are told of their predictions in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DRIFTED, UNKNOWN = ("watch", "act"), "unknown"


@dataclass(frozen=True)
class Watched:
    """What the store has of this service's predictions: `store.Summary` as JSON, None before it was read once.

    `problem` says why it is not there, or why it is not the newest.
    """

    summary: Mapping[str, Any] | None = None
    problem: str = ""

    @property
    def run(self) -> Mapping[str, Any] | None:
        """The last monitoring run."""
        return self.summary["last_run"] if self.summary else None

    @property
    def drift(self) -> Mapping[str, float]:
        """The PSI of each column in it."""
        found = self.run["findings"].get("drift", ()) if self.run else ()
        return {each["feature"]: each["psi"] for each in found if each["psi"] is not None}

    @property
    def alerts(self) -> tuple[str, ...] | None:
        """The columns that it found drifted; None where it judged none."""
        found = self.run["findings"].get("drift", ()) if self.run else ()
        judged = [each for each in found if each.get("state", UNKNOWN) != UNKNOWN]
        return tuple(each["feature"] for each in judged if each["state"] in DRIFTED) if judged else None
