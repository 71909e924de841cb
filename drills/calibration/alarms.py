"""False alarms where nothing changed, and the power to find what did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from drills.calibration.held import Held
from portfolio.data.frames import take
from portfolio.monitoring.drift import drifts
from portfolio.settings import MonitoringConfig
from portfolio.spec import Frame

Change = Callable[[Frame], Frame]
LIMITS = MonitoringConfig().psi


@dataclass(frozen=True)
class Alarms:
    """Of `windows` of so many rows: those with an alarm, with one beyond the limit alone, and not judged in full."""

    project: str
    rows: int
    windows: int
    raised: int
    beyond_limit: int
    unknown: int


def count(models: Sequence[Held], rows: int, windows: int, *, column: str = "", change: Change = dict) -> Alarms:
    """Draw windows of the pool, each with its rows `change`d; count an alarm of any column, or only of `column`.

    A window larger than the pool is drawn with replacement.
    """
    random, raised, beyond, unknown = np.random.default_rng(0), 0, 0, 0
    for number in range(windows):
        states, largest = _judge(models[number % len(models)], rows, random, change)
        alarms = {name for name, state in states.items() if state in ("watch", "act")}
        raised += bool(alarms & {column} if column else alarms)
        beyond += largest >= LIMITS.watch
        unknown += "unknown" in states.values()
    return Alarms(models[0].spec.name, rows, windows, raised, beyond, unknown)


def _judge(model: Held, rows: int, random: np.random.Generator, change: Change) -> tuple[dict[str, str], float]:
    size = len(model.truth)
    drawn = random.choice(size, rows, replace=rows > size)
    now = model.scored(change(take(model.pool, drawn)))
    found = drifts(model.reference, len(model.problem.test), now, LIMITS)
    return {drift.column: drift.state for drift in found}, found[0].psi


def older(years: float) -> Change:
    """Customers who are so much older; nobody is older than the request allows."""
    return lambda frame: {**frame, "Age": np.minimum(frame["Age"] + years, 100)}


def table(found: Sequence[Alarms]) -> Iterator[tuple[str, ...]]:
    """Rows to show."""
    for each in found:
        shares = (f"{part / each.windows:.1%}" for part in (each.raised, each.beyond_limit, each.unknown))
        yield (each.project, f"{each.rows:,}", str(each.windows), *shares)
