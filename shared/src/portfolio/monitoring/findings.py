"""What a run found as plain values, for the store, the API and dashboards."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from portfolio.measures import Reading
from portfolio.monitoring.before import Before
from portfolio.monitoring.decision import Found
from portfolio.monitoring.distance import Distance, number_distance, text_distance
from portfolio.monitoring.drift import SCORE, Drift, drifted_share
from portfolio.monitoring.hits import Hits, as_json
from portfolio.monitoring.live import Live
from portfolio.monitoring.performance import Performance, compared
from portfolio.monitoring.traffic import Traffic
from portfolio.store import Counted


def findings(live: Live, traffic: Traffic, counted: Counted, found: Found, hits: Hits) -> dict[str, Any]:
    """The schema is a contract: the monitoring service, dashboards and each API's metrics read it."""
    return {
        **seen(traffic, counted),
        "quality": [asdict(each) for each in found.quality],
        "drift": [_drift(live, traffic, drift) for drift in found.drift],
        "drifted_share": drifted_share(found.drift),
        "volume": asdict(found.volume),
        "performance": _performance(found.performance, live.test) if found.performance else None,
        "estimate": {"method": "CBPE", "metrics": compared(found.estimate, live.test)} if found.estimate else None,
        "before": _before(found.before, live.test),
        **followed(hits),
    }


def followed(hits: Hits) -> dict[str, Any]:
    """How often bands held, and those that wait: every run hands them on, one without predictions too."""
    return {"hit_rate": {"hits": hits.hits, "of": hits.of} if hits.of else None, "bands": as_json(hits)}


def seen(traffic: Traffic, counted: Counted) -> dict[str, Any]:
    """Which predictions were judged, and how many labels have come for those of any version."""
    predictions, labelled = (sum(each.values()) for each in (counted.predictions, counted.labelled))
    labels = {"labelled": labelled, "coverage": labelled / max(predictions, 1), "delay_seconds": counted.delay_seconds}
    return {"window": _window(traffic), "labels": labels}


def _window(traffic: Traffic) -> dict[str, Any]:
    span = traffic.span
    return {
        "since": span.since.isoformat(),
        "until": span.until.isoformat(),
        "rows": traffic.total,
        "judged": len(traffic),
        "refused": traffic.refused,
    }


def _performance(found: Performance, test: Reading) -> dict[str, Any]:
    return {
        "labelled": found.labelled,
        "coverage": found.coverage,
        "delay_seconds": found.delay_seconds,
        "metrics": compared(found.metrics, test),
        "state": found.state,
    }


def _before(found: Before | None, test: Reading) -> dict[str, Any] | None:
    if found is None or found.performance is None:
        return None
    return {"version": found.version, **_performance(found.performance, test)}


def _drift(live: Live, traffic: Traffic, drift: Drift) -> dict[str, Any]:
    before, now = drift.missing
    return {
        "feature": drift.column,
        "psi": drift.psi,
        "by_chance": drift.by_chance,
        **asdict(_distance(live, traffic, drift)),
        "state": drift.state,
        "missing": now,
        "missing_reference": before,
        "bins": asdict(drift.bins),
    }


def _distance(live: Live, traffic: Traffic, drift: Drift) -> Distance:
    if drift.column == SCORE:
        return number_distance(live.sample.scores, traffic.margins)
    values = traffic.frame[drift.column]
    if values.dtype == object:
        return text_distance(drift.bins, (live.scorer.manifest.test_rows, len(values)))
    return number_distance(live.sample.frame[drift.column], values)
