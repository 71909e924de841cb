"""Drift of one column after another, judged against a bundle's reference profile and against chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from portfolio.errors import BundleError
from portfolio.profile import Counts, bin_labels, current_counts, psi, psi_by_chance, reference_counts
from portfolio.settings import Limits
from portfolio.spec import Frame, is_missing

State = Literal["ok", "watch", "act", "unknown"]

SCORE = "score"
"""The column of the profile that is no feature."""
FALSE_ALARMS = 0.01
"""Probability of any alarm where nothing changed, over all columns together (Bonferroni)."""
FEWEST = 30
"""Rows that are judged: of fewer, the padding of PSI's bins hides what moved, and chance with it."""
GRAVEST = ("act", "unknown", "watch", "ok")


@dataclass(frozen=True)
class Bins:
    """Shares of the rows in each of the reference's bins, before and now."""

    labels: list[str]
    reference: list[float]
    current: list[float]


@dataclass(frozen=True)
class Drift:
    """One column. `psi` in nats; `by_chance` is what equal distributions exceed in one check of a hundred at most.

    `missing` are the shares of missing rows in the reference and now.
    """

    column: str
    psi: float
    by_chance: float
    missing: tuple[float, float]
    state: State
    bins: Bins


def drifts(reference: Mapping[str, Any], rows: int, current: Frame, limits: Limits) -> tuple[Drift, ...]:
    """The columns of a profile made from `rows` rows beside those of today, the furthest apart first.

    Raises BundleError for a profile without columns: nothing could be judged by it.
    """
    if not reference or not rows:
        raise BundleError("The bundle has no reference profile.", remedy="Train the model anew.")
    found = []
    for name, column in reference.items():
        before, now = reference_counts(column, rows), current_counts(column, current[name])
        by_chance = psi_by_chance(before, now, alarms=FALSE_ALARMS / len(reference))
        measured = psi(before, now)
        missing = (float(column["missing"]), float(is_missing(current[name]).mean()))
        state = _state(measured, by_chance, limits) if len(current[name]) >= FEWEST else "unknown"
        found.append(Drift(name, measured, by_chance, missing, state, _bins(column, before, now)))
    return tuple(sorted(found, key=lambda drift: -drift.psi))


def gravest(states: Iterable[State]) -> State:
    """What the whole is in: `act` outweighs `unknown`, which outweighs `watch`."""
    return min(states, key=GRAVEST.index)


def drifted_share(found: Iterable[Drift]) -> float:
    """Share of the features, the score left out, that an alarm was raised for."""
    alarms = [drift.state in ("watch", "act") for drift in found if drift.column != SCORE]
    return sum(alarms) / len(alarms) if alarms else 0.0


def _state(measured: float, by_chance: float, limits: Limits) -> State:
    """An alarm needs more than the limit and more than chance; where chance hides the higher limit nobody knows."""
    if measured > by_chance and measured >= limits.watch:
        return "act" if measured >= limits.act else "watch"
    return "unknown" if by_chance > limits.act else "ok"


def _bins(column: Mapping[str, Any], before: Counts, now: Counts) -> Bins:
    shares = [np.round(side / max(int(side.sum()), 1), 6).tolist() for side in (before, now)]
    return Bins(bin_labels(column), *shares)
