"""Rules about the candidate alone: a number and its limit."""

from __future__ import annotations

import math
from typing import assert_never

from portfolio.gate.metric import measure
from portfolio.gate.verdict import Answer, Evidence
from portfolio.spec import Absolute, AtLeast, AtMost, BundleAtMost, MinLabelCoverage, MinRows


def ask_absolute(rule: Absolute, evidence: Evidence) -> Answer:
    """Find the number and compare it; one that is missing fails."""
    match rule:
        case AtLeast(metric, limit):
            return at_least(metric, measure(metric, evidence, evidence.candidate), limit)
        case AtMost(metric, limit):
            return at_most(metric, measure(metric, evidence, evidence.candidate), limit)
        case MinRows(limit):
            return at_least("the number of test rows", len(evidence.truth), limit)
        case MinLabelCoverage(limit):
            return at_least("label coverage", evidence.label_coverage, limit)
        case BundleAtMost(fact, limit):
            return at_most(fact, evidence.facts.get(fact), limit)
    assert_never(rule)


def at_least(what: str, value: float | None, limit: float) -> Answer:
    """A floor."""
    if value is None or math.isnan(value):
        return Answer(None, limit, False, f"{what} was not measured")
    passed = value >= limit
    return Answer(float(value), limit, passed, f"{value:.4g} {'reaches' if passed else 'is below'} {limit:g}")


def at_most(what: str, value: float | None, limit: float) -> Answer:
    """A ceiling."""
    if value is None or math.isnan(value):
        return Answer(None, limit, False, f"{what} was not measured")
    passed = value <= limit
    return Answer(float(value), limit, passed, f"{value:.4g} {'is within' if passed else 'is above'} {limit:g}")
