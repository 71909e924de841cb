"""Traffic over time, in steps that a chart can show; what was not seen stays a gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cockpit import words

STEPS = {15: 30, 60: 60, 360: 300, 1440: 900}
"""Seconds of a step, by the minutes that are shown."""
PERIODS = {15: "15 min", 60: "1 h", 360: "6 h", 1440: "24 h"}
Point = Mapping[str, Any]
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Step:
    """A step that begins `at`: rates are per minute; None where the API was down, or nobody looked.

    `p50` is the mean of its readings weighted by their requests, `p95` the worst of them; milliseconds, None
    where nothing was asked.
    """

    at: datetime
    requests: float | None = None
    predictions: float | None = None
    errors_4xx: float | None = None
    errors_5xx: float | None = None
    p50: float | None = None
    p95: float | None = None


def steps(points: Sequence[Point], seconds: int) -> list[Step]:
    """From the first point to the last, a step each `seconds`; those without a point are there, and unknown."""
    if not points:
        return []
    found: dict[int, list[Point]] = {}
    for point in points:
        found.setdefault(int(words.moment(point["at"]).timestamp() // seconds), []).append(point)
    return [
        _step(datetime.fromtimestamp(number * seconds, UTC), found.get(number, ()))
        for number in range(min(found), max(found) + 1)
    ]


def down_spans(points: Iterable[Point], interval: float) -> list[Span]:
    """When the API did not answer, each from the look before its first failed one to its last."""
    spans: list[Span] = []
    for point in points:
        if point["up"]:
            continue
        at = words.moment(point["at"])
        began = at - timedelta(seconds=interval)
        if spans and began - spans[-1][1] <= timedelta(seconds=interval):
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((began, at))
    return spans


def total(points: Iterable[Point], name: str) -> int:
    """The sum of a count over all points."""
    return sum(int(point[name]) for point in points)


def _step(at: datetime, points: Sequence[Point]) -> Step:
    up = [point for point in points if point["up"]]
    seconds = sum(point["seconds"] for point in up)
    if not seconds or len(up) * 2 < len(points):
        return Step(at)

    def rate(name: str) -> float:
        return float(total(up, name) * 60 / seconds)

    slowest = [point["latency_p95_ms"] for point in up if point["latency_p95_ms"] is not None]
    return Step(
        at,
        requests=rate("requests"),
        predictions=rate("predictions"),
        errors_4xx=rate("errors_4xx"),
        errors_5xx=rate("errors_5xx"),
        p50=_middle(up),
        p95=max(slowest, default=None),
    )


def _middle(points: Iterable[Point]) -> float | None:
    weighed = [
        (point["latency_p50_ms"], max(1, point["requests"])) for point in points if point["latency_p50_ms"] is not None
    ]
    weight = sum(requests for _, requests in weighed)
    return sum(value * requests for value, requests in weighed) / weight if weight else None
