"""The policy: from what was found to ok, watch, retrain, roll back or unknown, with the reasons.

What labels say outweighs what inputs say: drift alone asks for a new model only where labels do not show that the live
one copes. An estimate asks for nothing, because it can't see that the world has changed; it only makes people look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from portfolio.measures import Reading
from portfolio.monitoring.before import Before
from portfolio.monitoring.drift import Drift, State, drifted_share
from portfolio.monitoring.performance import Judged, Performance
from portfolio.monitoring.quality import Quality
from portfolio.monitoring.volume import Volume
from portfolio.settings import MonitoringConfig

Decision = Literal["ok", "watch", "retrain", "roll back", "unknown"]


@dataclass(frozen=True)
class Found:
    """What a run found. `before` is how the version before the live one does; `expected` how the estimate is judged."""

    quality: tuple[Quality, ...]
    drift: tuple[Drift, ...]
    volume: Volume
    performance: Performance | None
    estimate: Reading
    expected: tuple[Judged, ...] = ()
    before: Before | None = None


@dataclass(frozen=True)
class Decided:
    """A decision and why, in sentences."""

    decision: Decision
    reasons: tuple[str, ...]


def decide(found: Found, policy: MonitoringConfig) -> Decided:
    """The first that applies: roll back, retrain, watch, unknown, ok."""
    real = found.performance.judged if found.performance else ()
    drift = tuple(_drift(found.drift, policy))
    if any(each.state == "act" for each in real):
        return _failing(found, _of("act", real))
    copes = found.performance is not None and found.performance.state == "ok"
    if (moved := _of("act", drift)) and not copes:
        return Decided("retrain", moved)
    if watched := [*_of("watch", real), *moved, *_of("watch", drift), *_lesser(found, labels=bool(real))]:
        return Decided("watch", (*watched, *_coping(found, bool(moved))))
    if (hidden := _of("unknown", drift)) and not copes:
        return Decided("unknown", (*hidden, *_of("unknown", real)))
    return Decided("ok", ("Nothing is beyond its limit.", *_of("unknown", real)))


def _failing(found: Found, why: tuple[str, ...]) -> Decided:
    before = found.before
    if before is None:
        return Decided("retrain", why)
    if before.performance is None:
        compare = f"portfolio diff {before.project} {before.version} champion"
        hint = f"The version before, {before.version}, can't be judged here; before a rollback compare it: {compare}."
        return Decided("retrain", (*why, hint))
    judged = tuple(f"On the same labels version {before.version}: {each.text}." for each in before.performance.judged)
    return Decided("roll back" if before.performance.state == "ok" else "retrain", (*why, *judged))


def _drift(drifts: tuple[Drift, ...], policy: MonitoringConfig) -> Iterator[Judged]:
    share = drifted_share(drifts)
    if share >= policy.drifted.watch:
        state: State = "act" if share >= policy.drifted.act else "watch"
        limit = policy.drifted.act if state == "act" else policy.drifted.watch
        yield Judged(state, f"{share:.0%} of the features have drifted (limit {limit:.0%})")
    limits = {"watch": policy.psi.watch, "act": policy.psi.act}
    for drift in drifts:
        if drift.state in limits:
            limit = limits[drift.state]
            text = f"{drift.column}: PSI {drift.psi:.2f} (limit {limit:.2f}; {drift.by_chance:.2f} by chance)"
            yield Judged(drift.state, text)
    if hidden := [drift.column for drift in drifts if drift.state == "unknown"]:
        text = f"So few rows could differ by more than PSI {policy.psi.act:.2f} by chance: {', '.join(hidden)}"
        yield Judged("unknown", text)


def _lesser(found: Found, *, labels: bool) -> Iterator[str]:
    """What only people can judge: data that look wrong, unusual traffic, and an estimate where no label can say."""
    for each in found.quality:
        if each.state == "watch":
            yield (
                f"{each.feature}: missing {each.missing:.1%} (reference {each.missing_reference:.1%}), "
                f"out of the reference's range {each.out_of_range:.1%}, never seen {each.unseen:.1%}."
            )
    if found.volume.state == "watch":
        usual = found.volume.reference_per_hour
        yield f"{found.volume.per_hour:.3g} predictions an hour, {usual:.3g} in the spans before."
    unknown = not labels or (found.performance is not None and found.performance.state == "unknown")
    for expected in found.expected:
        if unknown and expected.state in ("watch", "act"):
            yield f"Estimated {expected.text}; no label confirms it yet."


def _coping(found: Found, moved: bool) -> Iterator[str]:
    if moved and found.performance:
        yield f"Labels show that the model copes: {found.performance.judged[0].text}."


def _of(state: State, judged: tuple[Judged, ...]) -> tuple[str, ...]:
    return tuple(f"{each.text}." for each in judged if each.state == state)
