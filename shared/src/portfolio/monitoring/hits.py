"""How often an estimated band held the truth, once the labels of its predictions had come.

Bands wait in the findings of the runs: each run takes over what the last one had, and judges
those whose labels have come. Their spans are disjoint, so that no prediction counts twice.
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
from portfolio.store import counted, runs

METRIC = "roc_auc"
WAITING = 20
"""Bands that wait at the most; the oldest go unjudged."""
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
    """Judge the bands whose labels have come, and let this run's wait. Raises StoreError."""
    before = _last(live, settings)
    judged = [(band, _held(live, band, settings)) for band in before.waiting]
    held = [each for _, each in judged if each is not None]
    waiting = tuple(band for band, each in judged if each is None)
    found = Hits(before.hits + sum(held), before.of + len(held), before.last, waiting)
    if METRIC not in estimated or (found.last and span.since < datetime.fromisoformat(found.last)):
        return found
    band = estimated[METRIC]
    new = Band(span.since.isoformat(), span.until.isoformat(), band.low, band.high)
    return replace(found, last=new.until, waiting=(*waiting, new)[-WAITING:])


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
    numbers = counted(live.name, settings, since=band.span.since, until=band.span.until)
    predictions, labelled = (sum(each.values()) for each in (numbers.predictions, numbers.labelled))
    if not predictions or labelled / predictions < MATURE:
        return None
    rows = read(live, band.span, settings, most=MOST)
    known = rows[rows.labelled]
    if len(np.unique(known.labels)) < 2:
        return None
    real = METRICS[live.kind][METRIC](known.labels, known.predicted, np.ones(len(known)))
    return band.low <= real <= band.high
