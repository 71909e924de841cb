"""Real performance: the labels that have come, against what the version answered and against its test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

import numpy as np

from portfolio.measures import HIGHER_IS_BETTER, Estimate, Predictions, Reading, evaluate
from portfolio.monitoring.drift import State
from portfolio.monitoring.live import Live
from portfolio.monitoring.traffic import Traffic
from portfolio.settings import Limits, MonitoringConfig
from portfolio.store import Counted

RESAMPLES = 200
DECISIVE = {"binary": "f1", "regression": "mae"}
"""The metric whose loss is judged, by kind of task."""


@dataclass(frozen=True)
class Judged:
    """How a metric stands to its limit, in a state and a sentence."""

    state: State
    text: str


@dataclass(frozen=True)
class Performance:
    """Metrics of one version's rows whose labels have come. `coverage` is their share of all its rows."""

    labelled: int
    coverage: float
    delay_seconds: float | None
    metrics: Reading
    judged: tuple[Judged, ...]

    @property
    def state(self) -> State:
        """The gravest; what is judged outweighs what could not be."""
        states = [each.state for each in self.judged]
        return next((state for state in ("act", "watch", "unknown") if state in states), "ok")


def measure(live: Live, known: Traffic, counted: Counted, bundle: str, policy: MonitoringConfig) -> Performance | None:
    """Of the `known` rows, labelled ones that `bundle` answered, against the live version's test metrics.

    None where no label has come.
    """
    if not len(known):
        return None
    metrics = _metrics(live, known, bundle) if len(known) >= policy.labels else {}
    labelled = max(counted.labelled.get(bundle, 0), len(known))  # more may have come since they were counted
    return Performance(
        labelled=labelled,
        coverage=labelled / max(counted.predictions.get(bundle, 0), labelled),
        delay_seconds=float(np.median(known.delays)),
        metrics=metrics,
        judged=_judge(live, len(known), metrics, policy),
    )


def rescored(live: Live, known: Traffic, answers: Predictions, policy: MonitoringConfig) -> Performance:
    """Of other answers to the same labelled rows, which are as many as can be judged by."""
    metrics = _evaluate(live, known, answers)
    judged = _judge(live, len(known), metrics, policy)
    return Performance(len(known), 1.0, float(np.median(known.delays)), metrics, judged)


def _metrics(live: Live, rows: Traffic, bundle: str) -> Reading:
    given = rows.given
    if bundle == live.bundle:  # its intervals are not in the store, and are the same today
        given = type(given)(given.value, given.decision, rows.predicted.low, rows.predicted.high)
    return _evaluate(live, rows, given)


def _evaluate(live: Live, rows: Traffic, given: Predictions) -> Reading:
    with np.errstate(invalid="ignore", divide="ignore"):  # one outcome alone has no AUC
        return evaluate(live.kind, rows.labels, given, np.arange(len(rows)), resamples=RESAMPLES, seed=0)


def _judge(live: Live, rows: int, metrics: Reading, policy: MonitoringConfig) -> tuple[Judged, ...]:
    if not metrics:
        return (Judged("unknown", f"{rows} labels have come, and {policy.labels} are needed to judge by"),)
    return judge(live, metrics, policy, what=f"of {rows:,} labels")


def judge(live: Live, metrics: Reading, policy: MonitoringConfig, *, what: str) -> tuple[Judged, ...]:
    """The decisive metric against its test value, and the Brier score against its limit."""
    name = DECISIVE[live.kind]
    if name not in metrics or name not in live.test:
        return (Judged("unknown", f"there is no {name} {what}, or none of the test rows, to compare"),)
    found = [judge_loss(name, metrics[name], live.test[name], policy.loss)]
    if "brier" in metrics:
        found.append(judge_brier(metrics["brier"], policy.brier))
    return tuple(Judged(each.state, f"{each.text}, {what}") for each in found)


def judge_loss(name: str, now: Estimate, before: Estimate, limits: Limits) -> Judged:
    """An alarm needs a loss beyond the limit, and beyond what the two intervals allow to chance.

    Unknown is a loss that is within the limit and, by chance, could be beyond it.
    """
    sign = 1 if name in HIGHER_IS_BETTER else -1
    unit = abs(before.value) or 1.0
    loss = sign * (before.value - now.value) / unit
    least, most = (_reach(before, now, side) / unit for side in (sign, -sign))
    figures = f"{name} {now.value:.4g} against {before.value:.4g} on the test rows"
    text = f"{figures}, {-sign * loss:+.1%} (limit {limits.act:.0%}; {least:.1%} by chance)"
    if loss >= limits.watch and loss > least:
        return Judged("act" if loss >= limits.act else "watch", text)
    return Judged("unknown" if loss + most > limits.act else "ok", text)


def _reach(before: Estimate, now: Estimate, sign: int) -> float:
    """How far above `before` an equal `now` can lie by chance, or below it where `sign` is negative."""
    if sign > 0:
        return hypot(before.value - before.low, now.high - now.value)
    return hypot(before.high - before.value, now.value - now.low)


def judge_brier(now: Estimate, limit: float) -> Judged:
    """Beyond the limit is watched, and acted on where the whole interval is beyond it."""
    state: State = "ok" if now.value <= limit else "act" if now.low > limit else "watch"
    return Judged(state, f"brier {now.value:.4g} [{now.low:.4g}, {now.high:.4g}] (limit {limit:g})")


def compared(metrics: Reading, test: Reading) -> Mapping[str, Mapping[str, float | None]]:
    """Metrics as plain values beside those of the test rows; `change` is relative."""
    found: dict[str, dict[str, float | None]] = {}
    for name, now in metrics.items():
        before = test[name].value if name in test else None
        change = (now.value - before) / abs(before) if before else None
        found[name] = {"value": now.value, "low": now.low, "high": now.high, "reference": before, "change": change}
    return found
