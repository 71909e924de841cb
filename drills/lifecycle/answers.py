"""What the load has recorded, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drills.lifecycle.champions import Reign
from drills.lifecycle.load import RECORD

Answers = np.ndarray[Any, np.dtype[np.void]]
FIELDS = np.dtype([("sent", "<f8"), ("received", "<f8"), ("status", "<u2"), ("version", "<u2")])
OK = 200


def read(path: Path) -> Answers:
    """All that is recorded by now, in the order of the answers."""
    content = path.read_bytes() if path.exists() else b""
    return np.frombuffer(content[: len(content) // RECORD.size * RECORD.size], FIELDS)


def failed(answers: Answers) -> int:
    """How many were no 200."""
    return int((answers["status"] != OK).sum())


@dataclass(frozen=True)
class Rate:
    """Requests a second, over all the time and in its slowest whole second; `longest`: the slowest answer, seconds."""

    mean: float
    slowest: int
    longest: float


def rate(answers: Answers) -> Rate:
    """How constant the load was."""
    sent = np.sort(answers["sent"])
    seconds = np.bincount((sent - sent[0]).astype(int))[:-1]
    longest = float((answers["received"] - answers["sent"]).max())
    return Rate(len(sent) / float(sent[-1] - sent[0]), int(seconds.min()), longest)


def lateness(answers: Answers, reigns: tuple[Reign, ...]) -> float:
    """How long after its version's reign the latest answer came, in seconds; inf for a version that never reigned.

    Judged when the answer was there: the server may have looked at its model a moment earlier.
    """
    good = answers[answers["status"] == OK]
    return max(
        (_lateness(good[good["version"] == version], reigns) for version in np.unique(good["version"])), default=0
    )


def _lateness(answers: Answers, reigns: tuple[Reign, ...]) -> float:
    mine = [reign for reign in reigns if reign.version == answers["version"][0]]
    starts, ends = np.array([reign.start for reign in mine]), np.array([reign.end for reign in mine])
    last = np.searchsorted(starts, answers["received"], side="right") - 1
    if not mine or last.min() < 0:
        return np.inf
    return float(np.maximum(answers["received"] - ends[last], 0).max())


def last_other(answers: Answers, version: int, *, since: float) -> float:
    """Seconds after `since` when the last answer of any other version was there."""
    received = answers["received"]
    others = received[(received >= since) & (answers["version"] != version)]
    return float(others.max() - since) if len(others) else 0.0
