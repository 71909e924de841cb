"""Rules beside the champion, on the same test rows. Its value may be 0, so nothing is divided by it."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from portfolio.gate.absolute import at_least
from portfolio.gate.metric import gain, least_gain, measure
from portfolio.gate.verdict import Answer, Evidence, Mask
from portfolio.measures import Predictions
from portfolio.spec import HEADLINES, Comparison, Cooldown, Improves, NoWorse, NoWorseSlice


def ask_comparison(rule: Comparison, evidence: Evidence) -> Answer:
    """Compare; without a champion the rule does not apply, and a number that is missing fails."""
    if evidence.champion is None:
        limit = rule.limit if isinstance(rule, Cooldown) else rule.by
        return Answer(None, limit, None, "not applicable: there is no champion")
    match rule:
        case NoWorse():
            return _no_worse(rule, evidence, evidence.champion)
        case NoWorseSlice():
            return _no_worse_slice(rule, evidence)
        case Improves():
            return _improves(rule, evidence, evidence.champion)
        case Cooldown(limit):
            return at_least("the time of the last promotion", evidence.hours_since_promotion, limit)
    assert_never(rule)


def _no_worse(rule: NoWorse, evidence: Evidence, champion: Predictions) -> Answer:
    values = _both(rule.metric, evidence, champion)
    if values is None:
        return Answer(None, -rule.by, False, f"{rule.metric} was not measured")
    allowed = rule.by * abs(values[0]) if rule.relative else rule.by
    least = least_gain(rule.metric, evidence, champion)
    why = f"in 97.5 % of resamples the gain is at least {least:.4g}; {-allowed:.4g} is allowed"
    return Answer(least, -allowed, least >= -allowed, why)


def _improves(rule: Improves, evidence: Evidence, champion: Predictions) -> Answer:
    values = _both(rule.metric, evidence, champion)
    if values is None:
        return Answer(None, rule.by, False, f"{rule.metric} was not measured")
    before, after = values
    won, asked = gain(rule.metric, before, after), rule.by * abs(before)
    why = f"{after:.4g} after {before:.4g} is a gain of {won:.4g}; {asked:.4g} is asked for"
    return Answer(won, asked, won > 0 and won >= asked, why)


def _no_worse_slice(rule: NoWorseSlice, evidence: Evidence) -> Answer:
    """The slice with the least room left decides; value and limit are its own. Point estimates: slices are small."""
    if evidence.slices is None:
        return Answer(None, -rule.by, None, "not applicable: the project names no slices")
    if not evidence.slices:
        return Answer(None, -rule.by, False, "no slice was measured")
    rule = replace(rule, metric=rule.metric or HEADLINES[evidence.kind])
    answers = [_slice(rule, _rows_of(evidence, rows), name) for name, rows in evidence.slices.items()]
    return min(answers, key=_room)


def _slice(rule: NoWorseSlice, part: Evidence, name: str) -> Answer:
    values = _both(rule.metric, part, part.champion) if part.champion else None
    if values is None:
        return Answer(None, -rule.by, False, f"{rule.metric} of {name} was not measured")
    before, after = values
    won, allowed = gain(rule.metric, before, after), rule.by * abs(before)
    why = f"nearest to its limit is {name}: {after:.4g} after {before:.4g}, a loss of {allowed:.4g} is allowed"
    return Answer(won, -allowed, won >= -allowed, why)


def _room(answer: Answer) -> float:
    return float("-inf") if answer.value is None else answer.value - answer.limit


def _rows_of(evidence: Evidence, rows: Mask) -> Evidence:
    return replace(
        evidence,
        truth=evidence.truth[rows],
        groups=evidence.groups[rows],
        candidate=evidence.candidate[rows],
        champion=evidence.champion[rows] if evidence.champion else None,
        slices=None,
    )


def _both(metric: str, evidence: Evidence, champion: Predictions) -> tuple[float, float] | None:
    """The champion's value and the candidate's; None where one is missing."""
    before, after = measure(metric, evidence, champion), measure(metric, evidence, evidence.candidate)
    return None if before is None or after is None else (before, after)
