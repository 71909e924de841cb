"""One monitoring run: store, quality, drift, performance, decision, report."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from portfolio.errors import ReportError
from portfolio.monitoring.before import measure_before
from portfolio.monitoring.decision import Decided, Found, decide
from portfolio.monitoring.drift import SCORE, drifts
from portfolio.monitoring.estimate import estimate
from portfolio.monitoring.findings import findings, followed, seen
from portfolio.monitoring.hits import follow
from portfolio.monitoring.live import Live, read_live
from portfolio.monitoring.performance import judge, measure
from portfolio.monitoring.quality import check_quality
from portfolio.monitoring.report import write_report
from portfolio.monitoring.traffic import Span, Traffic, read, read_labelled
from portfolio.monitoring.volume import compare_volume
from portfolio.settings import Config, MonitoringConfig, Settings
from portfolio.spec import ModelSpec
from portfolio.store import Counted, MonitoringRun, add_run, counted


@dataclass(frozen=True)
class Order:
    """What to look at: the predictions of `days` before `now`."""

    now: datetime
    days: float

    @property
    def span(self) -> Span:
        """The span of time."""
        return Span(self.now - timedelta(days=self.days), self.now)


def monitor(spec: ModelSpec, order: Order, config: Config, settings: Settings) -> MonitoringRun:
    """Judge the live version by its predictions, and store what was found.

    Raises ModelNotAvailable, BundleError or StoreError.
    """
    began = time.monotonic()
    live = read_live(spec, settings)
    traffic = read(live, order.span, settings)
    numbers = counted(live.name, settings, since=traffic.span.since, until=traffic.span.until)
    run = (_judged if len(traffic) else _empty)(live, traffic, numbers, config, settings)
    run = replace(run, at=order.now, seconds=round(time.monotonic() - began, 3))
    return replace(run, id=add_run(run, settings))


def _judged(live: Live, traffic: Traffic, numbers: Counted, config: Config, settings: Settings) -> MonitoringRun:
    found = _look(live, traffic, numbers, config.monitoring, settings)
    decided = decide(found, config.monitoring)
    hits = follow(live, traffic.span, found.estimate, settings)
    told = findings(live, traffic, numbers, found, hits)
    run = replace(_run(live, traffic, numbers, decided), findings=told)
    try:
        return replace(run, report=write_report(settings.drift_reports, live, traffic, run, config.monitoring))
    except ReportError as error:  # what was decided is worth more than its page
        return replace(run, reasons=(*run.reasons, error.detail))


def _look(live: Live, traffic: Traffic, numbers: Counted, policy: MonitoringConfig, settings: Settings) -> Found:
    manifest, span = live.scorer.manifest, traffic.span
    now = {**traffic.frame, SCORE: traffic.margins}
    estimated = estimate(live, traffic.margins)
    known = read_labelled(live, span, settings, bundle=live.bundle)
    performance = measure(live, known, numbers, live.bundle, policy)
    failing = performance is not None and performance.state == "act"
    return Found(
        quality=check_quality(live, traffic),
        drift=drifts(manifest.reference, manifest.test_rows, now, policy.psi),
        volume=compare_volume(live.name, traffic.total, span, settings),
        performance=performance,
        estimate=estimated,
        expected=judge(live, estimated, policy, what="without labels") if estimated else (),
        before=measure_before(live, known, policy, settings) if failing else None,
    )


def _empty(live: Live, traffic: Traffic, numbers: Counted, config: Config, settings: Settings) -> MonitoringRun:
    why = f"No prediction of the last {traffic.span.length.total_seconds() / 86400:g} days can be judged"
    if traffic.refused:
        why = f"{why}: the request class refuses all {traffic.refused} that are in the store"
    elif not config.journal:
        why = f"{why}: `journal: false` in configs/config.yaml, so none is kept"
    told = {**seen(traffic, numbers), **followed(follow(live, traffic.span, {}, settings))}
    return replace(_run(live, traffic, numbers, Decided("unknown", (f"{why}.",))), findings=told)


def _run(live: Live, traffic: Traffic, numbers: Counted, decided: Decided) -> MonitoringRun:
    return MonitoringRun(
        project=live.name,
        at=traffic.span.until,
        since=traffic.span.since,
        until=traffic.span.until,
        model_version=live.model_version,
        bundle=live.bundle,
        decision=decided.decision,
        reasons=decided.reasons,
        rows=traffic.total,
        labelled=sum(numbers.labelled.values()),
    )
