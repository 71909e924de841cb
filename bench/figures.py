"""Medians of rounds, and ratios with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of some rounds with the lowest and the highest of them."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Of the quotients round by round: what disturbs a whole round then disturbs both sides of its quotient."""
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])


def order(count: int, turn: int) -> list[int]:
    """Who takes part when in round `turn`: another one begins each time, and every other round goes backwards."""
    rotated = [(place + turn // 2) % count for place in range(count)]
    return rotated if turn % 2 == 0 else rotated[::-1]
