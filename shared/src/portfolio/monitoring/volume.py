"""How many predictions there were an hour, beside the spans before."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Literal

from portfolio.monitoring.traffic import Span
from portfolio.settings import Settings
from portfolio.store import total as total_of

SPANS = 4
"""Before this one, that traffic is compared with; with fewer that had any, nothing is said."""
TIMES = 3.0
"""More, or less, than their median by this factor is watched."""


@dataclass(frozen=True)
class Volume:
    """Predictions an hour, and the median of the spans before; None where there were too few of these."""

    per_hour: float
    reference_per_hour: float | None
    state: Literal["ok", "watch", "unknown"]


def compare_volume(project: str, total: int, span: Span, settings: Settings) -> Volume:
    """The `total` of a span beside the SPANS of the same length before it. Raises StoreError."""
    spans = [span.before(times) for times in range(1, SPANS + 1)]
    before = [total_of(project, settings, since=each.since, until=each.until) for each in spans]
    if not all(before):
        return Volume(total / span.hours, None, "unknown")
    usual = median(before)
    state: Literal["ok", "watch"] = "ok" if usual / TIMES <= total <= usual * TIMES else "watch"
    return Volume(total / span.hours, usual / span.hours, state)
