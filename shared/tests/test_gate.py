"""The gate asks every rule and says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from portfolio.errors import ConfigError
from portfolio.gate import Evidence, judge, overridden
from portfolio.gate.verdict import Overridden
from portfolio.measures import METRICS, Predictions
from portfolio.settings import Override
from portfolio.spec import (
    AtLeast,
    AtMost,
    BundleAtMost,
    Cooldown,
    Improves,
    MinLabelCoverage,
    MinRows,
    NoWorse,
    NoWorseSlice,
    Rule,
)


def predictions(truth: np.ndarray, *, noise: float, seed: int = 1) -> Predictions:
    p = np.clip(0.5 + (truth - 0.5) * 0.5 + np.random.default_rng(seed).normal(0, noise, len(truth)), 0, 1)
    return Predictions(p, decision=(p >= 0.5).astype(float))


@pytest.fixture
def evidence() -> Evidence:
    truth = (np.random.default_rng(0).random(1000) < 0.4).astype(float)
    sharp = predictions(truth, noise=0.2)
    return Evidence("binary", truth, np.arange(1000), candidate=sharp, champion=None)


def test_a_candidate_within_all_limits_is_promoted(evidence: Evidence) -> None:
    verdict = judge((AtLeast("roc_auc", 0.8), AtMost("brier", 0.2)), evidence)
    assert verdict.decision == "promote"
    assert [check.passed for check in verdict.checks] == [True, True]


def test_every_rule_is_asked_even_after_one_failed(evidence: Evidence) -> None:
    verdict = judge((AtLeast("roc_auc", 0.999), AtMost("brier", 0.001), AtLeast("f1", 0.1)), evidence)
    assert verdict.decision == "block"
    assert [check.passed for check in verdict.checks] == [False, False, True]
    assert len(verdict.reasons) == 2
    assert "0.999" in verdict.reasons[0]


def test_a_metric_that_was_not_measured_fails(evidence: Evidence) -> None:
    assert judge((AtLeast("coverage", 0.1),), evidence).reasons == ("coverage >= 0.1: coverage was not measured",)


def test_floors_only_advise_on_a_synthetic_sample(evidence: Evidence) -> None:
    verdict = judge((AtLeast("roc_auc", 0.999),), evidence, floors_advise=True)
    assert verdict.decision == "promote"
    assert verdict.checks[0].passed is False
    assert verdict.checks[0].consequence == "advise"


def test_without_a_champion_comparisons_do_not_apply(evidence: Evidence) -> None:
    verdict = judge((NoWorse("roc_auc", by=0.01),), evidence)
    assert verdict.decision == "promote"
    assert verdict.checks[0].passed is None


def test_the_same_model_again_is_no_worse(evidence: Evidence) -> None:
    again = replace(evidence, champion=evidence.candidate)
    assert judge((NoWorse("roc_auc", by=0.0), NoWorse("brier", by=0.0)), again).decision == "promote"


@pytest.mark.parametrize("metric", ["roc_auc", "brier"])  # one where more is better, one where less is
def test_a_worse_candidate_is_blocked_whichever_way_the_metric_points(evidence: Evidence, metric: str) -> None:
    worse = replace(evidence, candidate=predictions(evidence.truth, noise=0.6), champion=evidence.candidate)
    better = replace(worse, candidate=evidence.candidate, champion=worse.candidate)
    assert judge((NoWorse(metric, by=0.01),), worse).decision == "block"
    assert judge((NoWorse(metric, by=0.01),), better).decision == "promote"


def test_comparisons_block_even_on_a_synthetic_sample(evidence: Evidence) -> None:
    worse = replace(evidence, candidate=predictions(evidence.truth, noise=0.6), champion=evidence.candidate)
    assert judge((NoWorse("roc_auc", by=0.01),), worse, floors_advise=True).decision == "block"


def test_a_relative_margin_is_a_share_of_the_champions_value(evidence: Evidence) -> None:
    slightly = Predictions(np.clip(evidence.candidate.value * 0.99, 0, 1), decision=evidence.candidate.decision)
    case = replace(evidence, candidate=slightly, champion=evidence.candidate)
    assert judge((NoWorse("brier", by=0.0001, relative=True),), case).decision == "block"
    assert judge((NoWorse("brier", by=0.2, relative=True),), case).decision == "promote"


def test_a_champion_that_scores_zero_can_be_replaced_and_an_equal_one_stays(evidence: Evidence) -> None:
    nothing = Predictions(evidence.candidate.value, decision=np.zeros(1000))
    rules = (Improves("f1", by=0.02),)
    assert judge(rules, replace(evidence, champion=nothing)).decision == "promote"
    assert judge(rules, replace(evidence, champion=evidence.candidate)).decision == "keep"
    assert judge(rules, replace(evidence, champion=nothing, candidate=nothing)).decision == "keep"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (MinRows(1000), MinRows(1001)),
        (MinLabelCoverage(0.9), MinLabelCoverage(0.91)),
        (BundleAtMost("megabytes", 2), BundleAtMost("megabytes", 1.9)),
        (BundleAtMost("milliseconds", 0.5), BundleAtMost("milliseconds", 0.49)),
        (BundleAtMost("parity", 1e-5), BundleAtMost("parity", 9e-6)),
        (AtLeast("f1", 1), AtLeast("f1", 1.01)),
        (AtMost("coin", 1), AtMost("brier", 0)),
    ],
)
def test_a_limit_is_kept_on_one_side_only(
    evidence: Evidence, good: Rule, bad: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS["binary"], "coin", lambda *_: 1.0)
    facts = {"megabytes": 2.0, "milliseconds": 0.5, "parity": 1e-5}
    exact = Predictions(evidence.candidate.value, decision=evidence.truth)
    case = replace(evidence, label_coverage=0.9, facts=facts, candidate=exact)
    assert judge((good,), case).decision == "promote"
    assert judge((bad,), case).decision == "block"


def test_a_champion_promoted_a_moment_ago_is_kept(evidence: Evidence) -> None:
    rules = (Cooldown(24),)
    beside = replace(evidence, champion=evidence.candidate)
    assert judge(rules, replace(beside, hours_since_promotion=24.0)).decision == "promote"
    early = judge(rules, replace(beside, hours_since_promotion=23.9))
    assert (early.decision, early.failed) == ("keep", ("hours since the last promotion >= 24",))
    assert judge(rules, beside).decision == "keep"  # nobody noted when: a missing number fails
    assert judge(rules, replace(evidence, hours_since_promotion=1.0)).decision == "promote"


@pytest.mark.parametrize(("off", "decision"), [(0.07, "promote"), (0.14, "block")])
def test_brier_may_not_worsen_by_more_than_its_margin(evidence: Evidence, off: float, decision: str) -> None:
    rate = np.full(1000, evidence.truth.mean())  # a probability that is `off` for every row costs its square
    case = replace(evidence, champion=Predictions(rate), candidate=Predictions(rate + off))
    (check,) = judge((NoWorse("brier", by=0.01),), case).checks
    assert check.passed == (decision == "promote")
    assert check.value == pytest.approx(-(off**2), abs=0.01)


def test_every_rule_is_asked_whatever_the_first_one_says(evidence: Evidence) -> None:
    rules = (AtLeast("roc_auc", 2), Improves("f1", by=0.02), MinRows(1), AtMost("brier", -1))
    verdict = judge(rules, replace(evidence, champion=evidence.candidate))
    assert [check.passed for check in verdict.checks] == [False, False, True, False]
    assert verdict.decision == "block"


def test_a_project_without_slices_is_not_asked_about_them(evidence: Evidence) -> None:
    beside = replace(evidence, champion=evidence.candidate)
    (check,) = judge((NoWorseSlice(by=0.05),), beside).checks
    assert check.passed is None
    (check,) = judge((NoWorseSlice(by=0.05),), replace(beside, slices={})).checks
    assert (check.passed, check.why) == (False, "no slice was measured")


def test_numbers_that_are_missing_fail(evidence: Evidence) -> None:
    rules = (MinLabelCoverage(0.1), BundleAtMost("parity", 1))
    assert [check.passed for check in judge(rules, evidence).checks] == [False, False]


def test_one_worse_slice_blocks(evidence: Evidence) -> None:
    rows = np.arange(1000) < 100
    value = np.where(rows, 1 - evidence.candidate.value, evidence.candidate.value)
    case = replace(evidence, candidate=Predictions(value), champion=evidence.candidate, slices={"b": ~rows, "a": rows})
    verdict = judge((NoWorseSlice("roc_auc", by=0.05),), case)
    assert verdict.decision == "block"
    assert "nearest to its limit is a" in verdict.reasons[0]
    assert judge((NoWorseSlice("roc_auc", by=0.05),), replace(case, candidate=evidence.candidate)).decision == "promote"


def test_an_override_changes_the_limit_and_shows_its_reason(evidence: Evidence) -> None:
    rules = (AtLeast("roc_auc", 0.999),)
    override = Override(rule="roc_auc >= 0.999", limit=0.5, reason="a short month")
    verdict = judge(overridden(rules, [override]), evidence)
    assert (verdict.decision, verdict.checks[0].limit, verdict.checks[0].override) == ("promote", 0.5, "a short month")
    with pytest.raises(ConfigError, match="no rule 'auc'"):
        overridden(rules, [override.model_copy(update={"rule": "auc"})])
    with pytest.raises(ValidationError, match="reason"):
        Override(rule="x", limit=1, reason=" ")


@pytest.mark.parametrize("rule", [NoWorse("brier", by=0.02), NoWorseSlice(by=0.05), Improves("f1", by=0.02)])
def test_an_override_gives_a_margin_as_a_positive_number(rule: Rule) -> None:
    override = Override(rule=rule.name, limit=-0.05, reason="looser")
    with pytest.raises(ConfigError, match=r"is negative\. A margin is positive: 0\.05 allows a loss of 0\.05"):
        overridden([rule], [override])
    [changed] = overridden([rule], [override.model_copy(update={"limit": 0.05})])
    assert isinstance(changed, Overridden)
    assert changed.rule == replace(rule, by=0.05)


def test_a_limit_that_is_no_margin_may_be_negative() -> None:
    [changed] = overridden([AtLeast("r2", 0.1)], [Override(rule="r2 >= 0.1", limit=-0.1, reason="a short month")])
    assert isinstance(changed, Overridden)
    assert changed.rule == AtLeast("r2", -0.1)


def test_fewer_than_a_thousand_resamples_are_refused(evidence: Evidence) -> None:
    with pytest.raises(ValueError, match="too few"):
        replace(evidence, resamples=999)
