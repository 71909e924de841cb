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
"""More, or less, than their median by this factor is watched, where chance would not do it."""
FALSE_ALARMS = 0.01
"""Probability that as many arrivals at one rate (Poisson) are beyond chance in a span."""


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
    unusual = not usual / TIMES <= total <= usual * TIMES and not _by_chance(total, sum(before))
    return Volume(total / span.hours, usual / span.hours, "watch" if unusual else "ok")


def _by_chance(total: int, before: int) -> bool:
    """Whether one rate explains both counts: of all arrivals, this span's are binomial then (Przyborowski 1940)."""
    from scipy.stats import binom

    arrivals, share = total + before, 1 / (SPANS + 1)
    tail = min(binom.cdf(total, arrivals, share), binom.sf(total - 1, arrivals, share))
    return bool(tail >= FALSE_ALARMS / 2)
