"""Two versions beside each other: which metric is better, by the direction that is good for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cockpit.metrics import HIGHER, LOWER, NEARER, overlap

Judged = Literal["better", "worse", "equal", "unknown"]
Figure = Mapping[str, Any]


@dataclass(frozen=True)
class Compared:
    """A metric of two versions. `difference` is second less first; None where one of them has no value.

    `overlap` says that their intervals do: such a difference may be chance.
    """

    metric: str
    first: Figure | None
    second: Figure | None
    difference: float | None
    judged: Judged
    overlap: bool


def compare(first: Mapping[str, Figure], second: Mapping[str, Figure], *, aim: float | None) -> list[Compared]:
    """Every metric that one of them has; `aim` is the coverage that intervals promise."""
    return [_compared(name, first.get(name), second.get(name), aim) for name in dict.fromkeys((*first, *second))]


def judge(metric: str, first: float, second: float, *, aim: float | None = None) -> Judged:
    """Whether `second` is better than `first`; unknown for a metric whose direction nobody has told."""
    if metric in HIGHER:
        gain = second - first
    elif metric in LOWER:
        gain = first - second
    elif metric in NEARER and aim is not None:
        gain = abs(first - aim) - abs(second - aim)
    else:
        return "equal" if first == second else "unknown"
    return "equal" if gain == 0 else "better" if gain > 0 else "worse"


def _compared(name: str, first: Figure | None, second: Figure | None, aim: float | None) -> Compared:
    if first is None or second is None or first["value"] is None or second["value"] is None:
        return Compared(name, first, second, None, "unknown", overlap=False)
    judged = judge(name, first["value"], second["value"], aim=aim)
    difference = second["value"] - first["value"]
    return Compared(name, first, second, difference, judged, overlap(first, second))
