"""`/stats` and `/monitoring/stats`: a service's counters and its predictions in the store, in figures for people."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client.core import Metric
from pydantic import BaseModel, Field

from portfolio.serving.figures import Figures, by_endpoint, milliseconds, predictions, read_counters, served
from portfolio.serving.service import Service
from portfolio.serving.watched import Watched
from portfolio.spec import Regression

STARTED = "process_start_time_seconds"
INTERPOLATED = "interpolated inside the buckets of http_request_duration_seconds, so as exact as those are narrow"


class Endpoint(BaseModel):
    """How one path was answered. Times are milliseconds."""

    endpoint: str = Field(description="A route's template, `unmatched`, or `dry_run`")
    requests: int
    errors_4xx: int = Field(description="Refused: the client's own mistakes")
    errors_5xx: int
    error_rate: float = Field(description="The share of 5xx")
    mean_ms: float | None
    p50_ms: float | None = Field(description=f"Median, {INTERPOLATED}")
    p95_ms: float | None = Field(description="As p50_ms")
    p99_ms: float | None = Field(description="As p50_ms")


class Predictions(BaseModel):
    """Rows answered, without dry runs, by decision (`0`, `1`) or as `value` where the answer is an amount."""

    total: int
    by_outcome: dict[str, int]


class Stats(BaseModel):
    """The counters of a service, over all its workers since it started. Sums leave out who only watches or tries out.

    That is health, metrics, /stats, /monitoring/stats, /model, /data, documentation, /admin, and dry runs of any path
    (`dry_run`): each has its line in `endpoints`.
    """

    project: str
    at: datetime
    uptime_seconds: float
    requests: int
    errors_4xx: int
    errors_5xx: int
    error_rate: float = Field(description="The share of 5xx; 4xx are the clients' own mistakes")
    endpoints: list[Endpoint]
    predictions: Predictions
    drift_alerts: int | None = Field(description="Columns that drifted by the last monitoring run; null: none judged")


class Part(BaseModel):
    """A number of predictions. Rate of positive decisions and the probability, or, of an amount, the prediction."""

    predictions: int
    positive_rate: float | None = None
    probability_mean: float | None = None
    probability_deviation: float | None = None
    prediction_mean: float | None = None
    prediction_deviation: float | None = None


class LastRun(BaseModel):
    """What the last monitoring run decided, and why."""

    at: datetime
    decision: str
    reasons: list[str]
    drift_alerts: int | None


class MonitoringStats(BaseModel):
    """What the store has of this project, as the service last read it. Unknown is null, and `note` says why."""

    project: str
    as_of: datetime | None = None
    age_seconds: float | None = None
    note: str = ""
    total: Part | None = None
    last_100: Part | None = None
    last_hour: Part | None = None
    labels: int | None = None
    label_coverage: float | None = Field(None, description="Share of the recent predictions that have a label")
    label_delay_seconds: float | None = Field(None, description="Median time from a prediction to its label")
    last_run: LastRun | None = None


def stats(service: Service) -> Stats:
    """What was counted; reads files of the service."""
    families = list(service.metrics.collect())
    samples = read_counters(families)
    each = by_endpoint(samples)
    outcomes = predictions(samples)
    watched = service.board.watched()
    return Stats(
        project=service.spec.name,
        at=datetime.now(UTC),
        uptime_seconds=_uptime(service, families),
        endpoints=[_endpoint(endpoint, figures) for endpoint, figures in each.items()],
        predictions=Predictions(total=sum(outcomes.values()), by_outcome=outcomes),
        drift_alerts=_number(watched.alerts) if watched else None,
        **_counts(served(each)),
    )


def monitoring_stats(service: Service) -> MonitoringStats:
    """What the store had of this project a moment ago; workers never open it, the shipper does and tells them."""
    watched = service.board.watched()
    if watched is None or watched.summary is None:
        return MonitoringStats(project=service.spec.name, note=watched.problem if watched else _unread(service))
    summary = watched.summary
    as_of = datetime.fromisoformat(summary["as_of"])
    amount = isinstance(service.spec.task, Regression)
    parts = {name: _part(summary[name], amount=amount) for name in ("total", "last_100", "last_hour")}
    return MonitoringStats(
        project=service.spec.name,
        as_of=as_of,
        age_seconds=round((datetime.now(UTC) - as_of).total_seconds(), 1),
        note=watched.problem,
        labels=summary["labels"],
        label_coverage=summary["coverage"],
        label_delay_seconds=summary["delay_seconds"],
        last_run=_last_run(watched),
        **parts,
    )


def _unread(service: Service) -> str:
    kept = service.journal is not None
    return "Nothing was read from the store yet." if kept else "The predictions of this project are not kept."


def _uptime(service: Service, families: Iterable[Metric]) -> float:
    """Of the worker that runs longest: one that was replaced begins anew, the service does not."""
    began = [sample.value for family in families for sample in family.samples if sample.name == STARTED]
    return round(time.time() - began[0] if began else time.monotonic() - service.started, 3)


def _counts(figures: Figures) -> dict[str, Any]:
    return {
        "requests": int(figures.requests),
        "errors_4xx": int(figures.errors_4xx),
        "errors_5xx": int(figures.errors_5xx),
        "error_rate": figures.error_rate or 0.0,
    }


def _endpoint(name: str, figures: Figures) -> Endpoint:
    spread = figures.durations
    p50, p95, p99 = (milliseconds(spread.quantile(share)) for share in (0.5, 0.95, 0.99))
    mean = milliseconds(spread.mean)
    return Endpoint(endpoint=name, mean_ms=mean, p50_ms=p50, p95_ms=p95, p99_ms=p99, **_counts(figures))


def _part(sums: Mapping[str, Any], *, amount: bool) -> Part:
    number, mean, deviation = sums["number"], sums["mean"], sums["deviation"]
    if amount:
        return Part(predictions=number, prediction_mean=mean, prediction_deviation=deviation)
    rate = sums["positive"] / number if number and sums["positive"] is not None else None
    return Part(predictions=number, positive_rate=rate, probability_mean=mean, probability_deviation=deviation)


def _last_run(watched: Watched) -> LastRun | None:
    run = watched.run
    if run is None:
        return None
    return LastRun(at=run["at"], decision=run["decision"], reasons=run["reasons"], drift_alerts=_number(watched.alerts))


def _number(drifted: tuple[str, ...] | None) -> int | None:
    return None if drifted is None else len(drifted)
