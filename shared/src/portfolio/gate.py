"""The gate: every rule is asked of a candidate, none short-circuits, and the verdict says why. Arrays in, no I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from portfolio.measures import HIGHER_IS_BETTER, METRICS, Predictions, Vector, paired_difference
from portfolio.spec import AtLeast, AtMost, NoWorse, Rule

Decision = Literal["promote", "block"]


@dataclass(frozen=True)
class Evidence:
    """Candidate and champion (None where there is none) on the same N test rows."""

    kind: str
    truth: Vector
    groups: np.ndarray[Any, np.dtype[np.int64]]
    candidate: Predictions
    champion: Predictions | None
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Check:
    """One rule's answer. `passed` is None where the rule doesn't apply; `advice` marks a failure that doesn't block."""

    rule: str
    value: float | None
    limit: float
    passed: bool | None
    why: str
    advice: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the gate says: promote, or block for the named reasons."""

    decision: Decision
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The rules that block."""
        return tuple(f"{c.rule}: {c.why}" for c in self.checks if c.passed is False and not c.advice)


def judge(rules: Sequence[Rule], evidence: Evidence, *, floors_advise: bool = False) -> Verdict:
    """Ask every rule. `floors_advise`: absolute limits were set for real data and only advise on a synthetic sample."""
    checks = tuple(_check(rule, evidence, floors_advise) for rule in rules)
    blocked = any(check.passed is False and not check.advice for check in checks)
    return Verdict("block" if blocked else "promote", checks)


def _check(rule: Rule, evidence: Evidence, floors_advise: bool) -> Check:
    if isinstance(rule, NoWorse):
        return _against_champion(rule, evidence)
    return _absolute(rule, evidence, floors_advise)


def _absolute(rule: AtLeast | AtMost, evidence: Evidence, advice: bool) -> Check:
    value = _measure(rule.metric, evidence, evidence.candidate)
    sign, word = (">=", "below") if isinstance(rule, AtLeast) else ("<=", "above")
    name = f"{rule.metric} {sign} {rule.limit:g}"
    if value is None:
        return Check(name, None, rule.limit, False, f"{rule.metric} was not measured", advice)
    passed = value >= rule.limit if isinstance(rule, AtLeast) else value <= rule.limit
    why = f"{value:.4g} is {'within' if passed else word} {rule.limit:g}"
    return Check(name, value, rule.limit, passed, why, advice)


def _against_champion(rule: NoWorse, evidence: Evidence) -> Check:
    name = f"{rule.metric} no worse than champion by {rule.by:g}{' of it' if rule.relative else ''}"
    if evidence.champion is None:
        return Check(name, None, -rule.by, None, "not applicable: there is no champion")
    before = _measure(rule.metric, evidence, evidence.champion)
    if before is None or _measure(rule.metric, evidence, evidence.candidate) is None:
        return Check(name, None, -rule.by, False, f"{rule.metric} was not measured")
    margin = rule.by * abs(before) if rule.relative else rule.by
    gain = _gain(rule.metric, evidence, evidence.champion)
    passed = gain >= -margin
    why = f"in 97.5 % of resamples the gain is at least {gain:.4g}; {-margin:.4g} is allowed"
    return Check(name, gain, -margin, passed, why)


def _gain(metric: str, evidence: Evidence, champion: Predictions) -> float:
    """Lower 95 % bound of how much better the candidate is, positive for better whichever way the metric points."""
    difference = paired_difference(
        METRICS[evidence.kind][metric],
        evidence.truth,
        evidence.candidate,
        champion,
        evidence.groups,
        resamples=evidence.resamples,
        seed=evidence.seed,
    )
    return difference.low if metric in HIGHER_IS_BETTER else -difference.high


def _measure(metric: str, evidence: Evidence, predicted: Predictions) -> float | None:
    measure = METRICS[evidence.kind].get(metric)
    value = measure(evidence.truth, predicted, np.ones(len(evidence.truth))) if measure else math.nan
    return None if math.isnan(value) else value
