"""What each path of the monitoring service answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST

from portfolio.serving.key import admit
from portfolio.spec.projects import find_project
from portfolio.watch import found, pages, versions
from portfolio.watch.found import Drift, Performance, Run
from portfolio.watch.metrics import Metrics
from portfolio.watch.service import Service
from portfolio.watch.traffic import Point
from portfolio.watch.versions import Changed, Promote, Rollback, Versions

INDEX_RUNS = 30
"""Of each project."""
Limit = Annotated[int, Query(ge=1, le=1000, description="Runs at most")]
Minutes = Annotated[float, Query(gt=0, le=1440, description="Of the past")]
User = Annotated[str | None, Header(description="Whom the audit names")]


@dataclass(frozen=True)
class Looked:
    """When a project was last looked at; nulls where it never was. `failed_runs` could not be done at all."""

    project: str
    last_run_at: datetime | None
    last_run_age_seconds: float | None
    decision: str | None
    failed_runs: int
    api_up: bool | None


@dataclass(frozen=True)
class Health:
    """Unhealthy (503) once nobody has looked for longer than `patience_seconds`.

    That is three intervals, or two more than a round takes; while a run goes on, nobody waits.
    """

    status: str
    version: str
    uptime_seconds: float
    interval_seconds: float
    patience_seconds: float
    last_round_age_seconds: float
    projects: Sequence[Looked]


@dataclass(frozen=True)
class Traffic:
    """What one API answered clients, every `interval_seconds`, oldest first; the latency is that of all of it."""

    project: str
    interval_seconds: float
    latency_p95_ms: float | None
    points: Sequence[Point]


@dataclass(frozen=True)
class Runs:
    """Newest first."""

    runs: Sequence[Run]


@dataclass(frozen=True)
class Drifts:
    """Of every project, where none was named."""

    projects: Sequence[Drift]


@dataclass(frozen=True)
class Performances:
    """Of every project, where none was named."""

    projects: Sequence[Performance]


class Paths:
    """Plain functions run in threads: all of them read a database or ask another service."""

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service, self._metrics = service, metrics

    def index(self) -> HTMLResponse:
        """Every project, what its runs decided, and their reports."""
        settings, projects = self._service.settings, self._service.policies
        runs = {name: found.runs(settings, project=name, limit=INDEX_RUNS) for name in projects}
        page = pages.index(runs, self._service.rounds.failures, datetime.now(UTC))
        return HTMLResponse(page, headers={"Content-Security-Policy": pages.POLICY})

    def report(self, name: str) -> Response:
        """A report of Evidently, as HTML or JSON."""
        content, kind = pages.find_report(self._service.settings.drift_reports, name)
        headers = {"Content-Security-Policy": pages.REPORT_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=kind, headers=headers)

    def health(self, response: Response) -> Health:
        """Whether somebody still looks."""
        service = self._service
        response.status_code = 503 if service.rounds.stopped else 200
        return Health(
            status="unhealthy" if service.rounds.stopped else "healthy",
            version=service.version,
            uptime_seconds=round(time.monotonic() - service.started, 3),
            interval_seconds=service.rounds.seconds,
            patience_seconds=round(service.rounds.patience_seconds, 3),
            last_round_age_seconds=round(service.rounds.idle_seconds, 3),
            projects=[self._looked(name) for name in service.policies],
        )

    def metrics(self) -> Response:
        """Metrics in Prometheus' text format."""
        return Response(self._metrics.render(), media_type=CONTENT_TYPE_LATEST)

    def runs(self, project: str = "", limit: Limit = 100) -> Runs:
        """Monitoring runs of a project, or of all."""
        if project:
            self._service.check(project)
        return Runs(found.runs(self._service.settings, project=project, limit=limit))

    def drift(self, project: str = "") -> Drift | Drifts:
        """Drift by column in the last run that found any, and the share of drifted columns over time."""
        settings = self._service.settings
        if project:
            return found.drift(self._service.check(project), settings, self._service.policies[project])
        return Drifts([found.drift(name, settings, policy) for name, policy in self._service.policies.items()])

    def performance(self, project: str = "") -> Performance | Performances:
        """Metrics over time: real where labels came, estimated where not."""
        settings = self._service.settings
        if project:
            return found.performance(self._service.check(project), settings)
        return Performances([found.performance(name, settings) for name in self._service.policies])

    def traffic(self, project: str, minutes: Minutes = 60) -> Traffic:
        """Requests, errors, latency and predictions over time, of the last day at most; lost when this restarts."""
        traffic, name = self._service.traffic, self._service.check(project)
        slow = traffic.p95_ms(name, minutes=minutes)
        return Traffic(project, traffic.seconds, slow, traffic.of(name, minutes=minutes))

    def versions(self, project: str) -> Versions:
        """Registered versions, what the API serves, and who changed that when and why."""
        spec = find_project(self._service.check(project))
        return versions.versions(spec, self._service.settings.patient())

    def promote(self, project: str, wish: Promote, x_user: User = None) -> Changed:
        """Make a version the champion; answers when the API serves it, or all is as it was. Needs the admin key."""
        return self._service.acts.promote(find_project(self._service.check(project)), wish, x_user)

    def rollback(self, project: str, wish: Rollback, x_user: User = None) -> Changed:
        """Make the champion before the champion again, or the version `to`. Needs the admin key."""
        return self._service.acts.rollback(find_project(self._service.check(project)), wish, x_user)

    def admit(self, request: Request) -> None:
        """Asked before everything else of who wants to act."""
        admit(request.scope["headers"], self._service.settings.admin_key)

    def _looked(self, project: str) -> Looked:
        run = self._service.last.runs().get(project)
        return Looked(
            project=project,
            last_run_at=run.at if run else None,
            last_run_age_seconds=round((datetime.now(UTC) - run.at).total_seconds(), 1) if run else None,
            decision=run.decision if run else None,
            failed_runs=self._service.rounds.failures[project],
            api_up=self._service.traffic.up.get(project),
        )
