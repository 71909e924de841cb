"""Drift of one column after another, judged against a bundle's reference profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from portfolio.errors import BundleError
from portfolio.profile import current_counts, psi, psi_by_chance, reference_counts
from portfolio.spec import Frame, is_missing

State = Literal["ok", "watch", "act", "unknown"]

WATCH, ACT = 0.1, 0.2
"""PSI limits in use since credit scoring made them customary (Siddiqi 2006, Credit Risk Scorecards)."""
FALSE_ALARMS = 0.05
"""Probability of any alarm where nothing changed, over all columns together (Bonferroni)."""
GRAVEST = ("act", "unknown", "watch", "ok")


@dataclass(frozen=True)
class Drift:
    """One column. `psi` in nats; `by_chance` is what equal distributions exceed in one check of twenty at most.

    `missing` are the shares of missing rows in the reference and now.
    """

    column: str
    psi: float
    by_chance: float
    missing: tuple[float, float]
    state: State


def drifts(reference: Mapping[str, Any], rows: int, current: Frame) -> tuple[Drift, ...]:
    """The columns of a profile made from `rows` rows beside those of today, the furthest apart first.

    Raises BundleError for a profile without columns: nothing could be judged by it.
    """
    if not reference or not rows:
        raise BundleError("The bundle has no reference profile.", remedy="Train the model anew.")
    alarms = FALSE_ALARMS / len(reference)
    found = [_drift(name, column, rows, current[name], alarms) for name, column in reference.items()]
    return tuple(sorted(found, key=lambda drift: -drift.psi))


def gravest(states: Iterable[State]) -> State:
    """What the whole is in: `act` outweighs `unknown`, which outweighs `watch`."""
    return min(states, key=GRAVEST.index)


def _drift(name: str, column: Mapping[str, Any], rows: int, values: np.ndarray[Any, Any], alarms: float) -> Drift:
    before, now = reference_counts(column, rows), current_counts(column, values)
    measured, by_chance = psi(before, now), psi_by_chance(before, now, alarms=alarms)
    missing = (float(column["missing"]), float(is_missing(values).mean()))
    return Drift(name, measured, by_chance, missing, _state(measured, by_chance))


def _state(measured: float, by_chance: float) -> State:
    """An alarm needs more than the limit and more than chance; where chance hides the higher limit nobody knows."""
    if measured > by_chance and measured >= WATCH:
        return "act" if measured >= ACT else "watch"
    return "unknown" if by_chance > ACT else "ok"
