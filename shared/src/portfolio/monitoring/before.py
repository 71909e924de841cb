"""The version before the live one, as a rollback would find it, and how it does on the live one's labelled rows."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.bundle import load, read_trust
from portfolio.errors import BundleError
from portfolio.measures import Predictions
from portfolio.monitoring.live import Live
from portfolio.monitoring.performance import Performance, rescored
from portfolio.monitoring.traffic import Traffic
from portfolio.promotion.audit import champions, history
from portfolio.settings import MonitoringConfig, Settings


@dataclass(frozen=True)
class Before:
    """The `version` before; `performance` is None where its bundle can't be loaded here."""

    project: str
    version: str
    performance: Performance | None


def measure_before(live: Live, known: Traffic, policy: MonitoringConfig, settings: Settings) -> Before | None:
    """What it would have answered to the labelled rows `known`, judged as the answers of the live version are.

    Its own past would say less: the world may have changed for both. None where the audit knows of none. Raises
    StoreError.
    """
    lines = history(live.name, settings)
    stack = champions(lines, live.bundle, {line.to_bundle for line in lines} | {live.bundle})
    if len(stack) < 2:
        return None
    version = next(line.to_version for line in reversed(lines) if line.to_bundle == stack[-2])
    answers = _answers(live, stack[-2], known, settings)
    return Before(live.name, version, rescored(live, known, answers, policy) if answers else None)


def _answers(live: Live, bundle: str, known: Traffic, settings: Settings) -> Predictions | None:
    spec, trust = live.scorer.spec, read_trust(settings)
    for folder in (spec.root / "cache" / bundle, spec.root / "models" / bundle):
        if folder.is_dir():
            try:
                scorer = load(folder, spec, trust)
            except BundleError:  # refused: it is as good as not there, and the decision says so
                continue
            return Live(scorer, "", live.sample).predictions(scorer.margins(known.frame))
    return None
