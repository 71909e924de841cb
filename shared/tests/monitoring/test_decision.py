"""The policy as a table: what was found, and what is decided by it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from portfolio.measures import Estimate
from portfolio.monitoring.before import Before
from portfolio.monitoring.decision import Found, decide
from portfolio.monitoring.drift import Bins, Drift, State, drifted_share
from portfolio.monitoring.performance import Judged, Performance, judge_brier, judge_loss
from portfolio.monitoring.quality import Quality
from portfolio.monitoring.volume import Volume
from portfolio.settings import Limits, MonitoringConfig

POLICY = MonitoringConfig()
CALM = Found(quality=(), drift=(), volume=Volume(10, 10, "ok"), performance=None, estimate={})


def drift(state: State = "ok", column: str = "x") -> Drift:
    psi = {"ok": 0.01, "watch": 0.15, "act": 0.3, "unknown": 0.15}[state]
    return Drift(column, psi, 0.25 if state == "unknown" else 0.02, (0, 0), state, Bins([], [], []))


def real(state: State) -> Performance:
    return Performance(500, 1.0, 60.0, {}, (Judged(state, f"f1 is {state}"),))


def before(state: State | None) -> Before:
    return Before("bank", "3", real(state) if state else None)


def columns(drifted: int, state: State = "watch") -> tuple[Drift, ...]:
    """Ten features and the score, so many of the features drifted."""
    return (*(drift(state if n < drifted else "ok", f"x{n}") for n in range(10)), drift(column="score"))


ESTIMATED = (Judged("act", "f1 is low"),)


@dataclass(frozen=True)
class Case:
    name: str
    found: Found
    decision: str
    reason: str


CASES = (
    Case("nothing", CALM, "ok", "Nothing is beyond its limit."),
    Case("a column is watched", replace(CALM, drift=columns(1)), "watch", "x0: PSI 0.15 (limit 0.10; 0.02 by chance)."),
    Case("a column alone", replace(CALM, drift=columns(1, "act")), "retrain", "x0: PSI 0.30 (limit 0.20;"),
    Case("the score alone", replace(CALM, drift=(drift("act", "score"),)), "retrain", "score: PSI 0.30"),
    Case(
        "a third of the columns",
        replace(CALM, drift=columns(3)),
        "watch",
        "30% of the features have drifted (limit 30%).",
    ),
    Case(
        "half of the columns",
        replace(CALM, drift=columns(5)),
        "retrain",
        "50% of the features have drifted (limit 50%).",
    ),
    Case(
        "drift, and labels that say it does not matter",
        replace(CALM, drift=columns(5, "act"), performance=real("ok")),
        "watch",
        "Labels show that the model copes: f1 is ok.",
    ),
    Case(
        "drift, and labels that say little",
        replace(CALM, drift=columns(5, "act"), performance=real("unknown")),
        "retrain",
        "x0",
    ),
    Case(
        "drift, and labels that are watched",
        replace(CALM, drift=columns(1, "act"), performance=real("watch")),
        "retrain",
        "x0",
    ),
    Case("labels are watched", replace(CALM, performance=real("watch")), "watch", "f1 is watch."),
    Case("labels are acted on", replace(CALM, performance=real("act")), "retrain", "f1 is act."),
    Case(
        "the version before was good",
        replace(CALM, performance=real("act"), before=before("ok")),
        "roll back",
        "On the same labels version 3: f1 is ok.",
    ),
    Case(
        "the version before was as bad",
        replace(CALM, performance=real("act"), before=before("act")),
        "retrain",
        "f1 is act.",
    ),
    Case(
        "the version before is not on this machine",
        replace(CALM, performance=real("act"), before=before(None)),
        "retrain",
        "portfolio diff bank 3 champion.",
    ),
    Case(
        "the version before is not known",
        replace(CALM, performance=real("act"), before=before("unknown")),
        "retrain",
        "f1 is act.",
    ),
    Case(
        "an estimate alone only watches",
        replace(CALM, expected=ESTIMATED),
        "watch",
        "Estimated f1 is low; no label confirms it yet.",
    ),
    Case(
        "an estimate beside few labels",
        replace(CALM, expected=ESTIMATED, performance=real("unknown")),
        "watch",
        "Estimated f1 is low",
    ),
    Case("an estimate that labels refute", replace(CALM, expected=ESTIMATED, performance=real("ok")), "ok", "Nothing"),
    Case("an estimate never rolls back", replace(CALM, expected=ESTIMATED, before=before("ok")), "watch", "Estimated"),
    Case(
        "few rows",
        replace(CALM, drift=(drift("unknown"),)),
        "unknown",
        "So few rows could differ by more than PSI 0.20 by chance: x.",
    ),
    Case(
        "few rows, and labels that are fine",
        replace(CALM, drift=(drift("unknown"),), performance=real("ok")),
        "ok",
        "Nothing",
    ),
    Case(
        "few rows, and few labels",
        replace(CALM, drift=(drift("unknown"),), performance=real("unknown")),
        "unknown",
        "f1 is unknown.",
    ),
    Case("few rows, and an alarm", replace(CALM, drift=(drift("unknown"), drift("act", "y"))), "retrain", "y: PSI"),
    Case("few labels", replace(CALM, performance=real("unknown")), "ok", "f1 is unknown."),
    Case(
        "bad data",
        replace(CALM, quality=(Quality("x", 0.4, 0.0, 0.0, 0.0, "watch"),)),
        "watch",
        "x: missing 40.0% (reference 0.0%)",
    ),
    Case(
        "unusual traffic",
        replace(CALM, volume=Volume(1, 10, "watch")),
        "watch",
        "1 predictions an hour, 10 in the spans before.",
    ),
    Case("no history of traffic", replace(CALM, volume=Volume(1, None, "unknown")), "ok", "Nothing"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_policy(case: Case) -> None:
    decided = decide(case.found, POLICY)
    assert decided.decision == case.decision
    assert any(case.reason in reason for reason in decided.reasons), decided.reasons


def test_limits_are_the_projects_own() -> None:
    lax = POLICY.model_copy(update={"drifted": Limits(watch=0.8, act=0.9)})
    assert decide(replace(CALM, drift=columns(5)), lax).reasons[0].startswith("x0: PSI")
    assert drifted_share(columns(5)) == 0.5


@pytest.mark.parametrize(
    ("name", "now", "state"),
    [
        ("f1", Estimate(0.60, 0.58, 0.62), "ok"),  # as on the test rows
        ("f1", Estimate(0.565, 0.55, 0.58), "watch"),  # 5.8 % worse
        ("f1", Estimate(0.50, 0.48, 0.52), "act"),  # 16.7 % worse
        ("f1", Estimate(0.50, 0.30, 0.70), "unknown"),  # so few labels say nothing
        ("f1", Estimate(0.70, 0.68, 0.72), "ok"),  # better is no loss
        ("f1", Estimate(0.65, 0.60, 0.75), "ok"),  # few labels, and yet chance can hide no loss
        ("mae", Estimate(0.70, 0.68, 0.72), "act"),  # where less is better
        ("mae", Estimate(0.50, 0.48, 0.52), "ok"),
        ("mae", Estimate(0.70, 0.40, 0.99), "unknown"),
    ],
)
def test_a_loss_needs_to_be_beyond_limit_and_chance(name: str, now: Estimate, state: State) -> None:
    assert judge_loss(name, now, Estimate(0.60, 0.58, 0.62), Limits(watch=0.05, act=0.10)).state == state


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (Estimate(0.15, 0.10, 0.25), "ok"),
        (Estimate(0.21, 0.18, 0.24), "watch"),
        (Estimate(0.25, 0.22, 0.28), "act"),
    ],
)
def test_a_brier_score_is_acted_on_where_its_whole_interval_is_beyond(now: Estimate, state: State) -> None:
    assert judge_brier(now, 0.20).state == state
