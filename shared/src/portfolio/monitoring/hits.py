"""How often an estimated band held the truth, once the labels of its predictions had come.

Bands wait in the findings of the runs: each run takes over what the last one had, and judges the oldest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from portfolio.measures import METRICS, Reading
from portfolio.monitoring.estimate import MOST
from portfolio.monitoring.live import Live
from portfolio.monitoring.traffic import Span, read
from portfolio.settings import Settings
from portfolio.store import runs

METRIC = "roc_auc"
WAITING = 20
"""Bands that wait at the most; the oldest go unjudged."""
APART = 4
"""Bands are taken so many to a span's length, because those of one hour are nearly the same."""
MATURE = 0.9
"""Share of a band's predictions that must have labels."""


@dataclass(frozen=True)
class Band:
    """The estimated metric of the predictions in [since, until)."""

    since: str
    until: str
    low: float
    high: float

    @property
    def span(self) -> Span:
        """The span as times."""
        return Span(datetime.fromisoformat(self.since), datetime.fromisoformat(self.until))


@dataclass(frozen=True)
class Hits:
    """Bands of this bundle that held the truth, of those that could be judged; those that wait, the oldest first."""

    hits: int = 0
    of: int = 0
    last: str = ""
    waiting: tuple[Band, ...] = ()


def follow(live: Live, span: Span, estimated: Reading, settings: Settings) -> Hits:
    """Judge the oldest band where its labels have come, and let this run's wait. Raises StoreError."""
    found = _last(live, settings)
    if found.waiting and (held := _held(live, found.waiting[0], settings)) is not None:
        found = replace(found, hits=found.hits + held, of=found.of + 1, waiting=found.waiting[1:])
    due = not found.last or span.until - datetime.fromisoformat(found.last) >= span.length / APART
    if METRIC not in estimated or not due:
        return found
    band = estimated[METRIC]
    waiting = Band(span.since.isoformat(), span.until.isoformat(), band.low, band.high)
    return replace(found, last=waiting.until, waiting=(*found.waiting, waiting)[-WAITING:])


def as_json(found: Hits) -> Mapping[str, Any]:
    """As plain values."""
    return asdict(found) | {"waiting": [asdict(band) for band in found.waiting]}


def _last(live: Live, settings: Settings) -> Hits:
    for run in runs(settings, project=live.name, limit=1):
        kept = run.findings.get("bands")
        if kept and run.bundle == live.bundle:
            return Hits(**kept | {"waiting": tuple(Band(**band) for band in kept["waiting"])})
    return Hits()


def _held(live: Live, band: Band, settings: Settings) -> bool | None:
    """None where too few labels have come, or only one outcome."""
    rows = read(live, band.span, settings, most=MOST)
    if not len(rows) or rows.labelled.mean() < MATURE:
        return None
    known = rows[rows.labelled]
    if len(np.unique(known.labels)) < 2:
        return None
    real = METRICS[live.kind][METRIC](known.labels, known.predicted, np.ones(len(known)))
    return band.low <= real <= band.high
