"""What was predicted in a span of time, read from the store and scored anew by the live bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from portfolio.data.frames import frame_of, take
from portfolio.data.rules import validate
from portfolio.measures import Predictions, Vector
from portfolio.monitoring.live import Live
from portfolio.settings import Settings
from portfolio.spec import Column, Frame
from portfolio.store import Window, labelled_window, window

MOST = 100_000
"""Rows that a window is judged by, evenly spread over it; more would say the same."""
LABELLED = 10_000
"""Labels that are judged by, the newest; the intervals are narrow enough then."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Span:
    """From `since` up to, and without, `until`."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    @property
    def hours(self) -> float:
        """How long it is, in hours."""
        return self.length.total_seconds() / 3600

    def before(self, times: int = 1) -> Span:
        """One as long, so many lengths before this one."""
        return Span(self.since - times * self.length, self.until - times * self.length)


@dataclass(frozen=True)
class Traffic:
    """N predictions of `total` in a span.

    `refused` more were left out, because the request class of today refuses them. `margins` and `predicted` are the
    live bundle's own, whichever version answered; `bundles` are those that did, `given` is what they answered.
    `labels` and `delays` (seconds) are NaN where no label has come.
    """

    span: Span
    total: int
    refused: int
    frame: Frame
    margins: Vector
    predicted: Predictions
    given: Predictions
    bundles: np.ndarray[Any, np.dtype[np.object_]]
    labels: Vector
    delays: Vector

    def __len__(self) -> int:
        return len(self.margins)

    @property
    def labelled(self) -> Mask:
        """Rows whose label has come [N]."""
        return ~np.isnan(self.labels)

    def __getitem__(self, rows: Any) -> Traffic:
        vectors = ("margins", "predicted", "given", "bundles", "labels", "delays")
        kept = {name: getattr(self, name)[rows] for name in vectors}
        return replace(self, frame=take(self.frame, rows), **kept)


def read(live: Live, span: Span, settings: Settings, *, most: int = MOST) -> Traffic:
    """The predictions of a span, of more than `most` an even sample. Raises StoreError."""
    return _scored(live, span, window(live.name, settings, since=span.since, until=span.until, most=most))


def read_labelled(live: Live, span: Span, settings: Settings, *, bundle: str) -> Traffic:
    """The newest predictions of a span that a bundle made and that have a label. Raises StoreError."""
    times = {"since": span.since, "until": span.until}
    return _scored(live, span, labelled_window(live.name, settings, **times, bundle=bundle, most=LABELLED))


def _scored(live: Live, span: Span, found: Window) -> Traffic:
    columns = live.scorer.spec.request.COLUMNS
    readable = np.flatnonzero([_readable(row, columns) for row in found.features])
    frame = frame_of([found.features[row] for row in readable], columns) if len(readable) else {}
    fit = ~validate(frame, columns).bad if frame else np.zeros(0, dtype=bool)
    return _traffic(live, span, found, (take(frame, fit), readable[fit]))


def _readable(row: Mapping[str, Any], columns: Sequence[Column]) -> bool:
    """Whether each field is of the kind that it is today; an older request class may have had others."""
    values = ((column, row.get(column.name)) for column in columns)
    return all(value is None or isinstance(value, str) != column.numeric for column, value in values)


def _traffic(live: Live, span: Span, found: Window, kept: tuple[Frame, Any]) -> Traffic:
    frame, rows = kept
    margins = live.scorer.margins(frame).astype(np.float64) if len(rows) else np.zeros(0)
    decided = not np.isnan(found.decisions).all()
    return Traffic(
        span=span,
        total=found.total,
        refused=len(found.at) - len(rows),
        frame=frame,
        margins=margins,
        predicted=live.predictions(margins),
        given=Predictions(found.scores[rows], decision=found.decisions[rows] if decided else None),
        bundles=np.array(found.bundles, dtype=object)[rows],
        labels=found.labels[rows],
        delays=found.delays[rows],
    )
