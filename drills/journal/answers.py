"""What the load has recorded, beside what the store has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from drills.journal.load import RATE, RECORD

Answers = np.ndarray[Any, np.dtype[np.void]]
FIELDS = np.dtype([("received", "<f8"), ("status", "<u2"), ("id", "S36")])
OK = 200


def read(path: Path) -> Answers:
    """All that is recorded by now, in the order of the answers."""
    content = path.read_bytes() if path.exists() else b""
    return np.frombuffer(content[: len(content) // RECORD.size * RECORD.size], FIELDS)


def good(answers: Answers) -> Answers:
    """Those that reached the client."""
    found: Answers = answers[answers["status"] == OK]
    return found


def pace(answers: Answers, *, since: float, until: float) -> float:
    """Answers that reached the client a second."""
    times = good(answers)["received"]
    return float(((times >= since) & (times < until)).sum() / max(until - since, 1 / RATE))


@dataclass(frozen=True)
class Kept:
    """How the client's answers and the store's rows differ."""

    seen: int
    stored: int
    missing: int
    doubled: int

    @property
    def unseen(self) -> int:
        """Predictions that the store has and no client saw: the answer was on its way."""
        return self.stored - (self.seen - self.missing)


def compare(answers: Answers, rows: list[str]) -> Kept:
    """Answers by their ids, and the ids of all rows of the store."""
    seen, stored = {name.decode() for name in good(answers)["id"].tolist()}, set(rows)
    return Kept(len(seen), len(stored), len(seen - stored), len(rows) - len(stored))


def stored(address: str) -> list[str]:
    """The ids of all rows, each as often as it is there."""
    with psycopg.connect(address) as connection:
        return [row[0] for row in connection.execute("SELECT prediction_id FROM model_predictions")]
