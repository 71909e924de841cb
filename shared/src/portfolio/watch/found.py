"""What monitoring runs found, flat enough for a chart: runs, drift by column, performance over time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, Thread
from typing import Any, Literal

from portfolio import logs, store
from portfolio.errors import StoreError
from portfolio.serving.watched import DRIFTED
from portfolio.settings import MonitoringConfig, Settings
from portfolio.store import MonitoringRun

FRESH_SECONDS, WAIT_SECONDS = 5.0, 1.0
HISTORY = 500
"""Runs that a chart shows at most."""

Kind = Literal["performance", "estimate"]
"""The parts of a run's findings that have metrics: measured with labels, estimated without."""

log = logs.logger(__name__)


@dataclass(frozen=True)
class Run:
    """One monitoring run. `report_url` is empty where it wrote no report, or that made room for newer ones."""

    id: int | None
    project: str
    at: datetime
    since: datetime
    until: datetime
    days: float
    model_version: str
    decision: str
    reasons: tuple[str, ...]
    predictions: int
    labelled: int
    drifted_share: float | None
    drifted_features: tuple[str, ...]
    run_seconds: float
    report_url: str


@dataclass(frozen=True)
class Share:
    """How much had drifted at one run."""

    at: datetime
    decision: str
    drifted_share: float | None
    score_psi: float | None


@dataclass(frozen=True)
class Drift:
    """The last run that could judge, by column, and the share of drifted columns over time, oldest first.

    `features` are columns of the request, and "score", each with psi, by_chance, p_value, wasserstein, state, the
    shares of missing values, and bins: labels, reference and current shares. `policy` are the project's limits.
    """

    project: str
    at: datetime | None
    since: datetime | None
    until: datetime | None
    model_version: str
    decision: str
    drifted_share: float | None
    features: Sequence[Mapping[str, Any]]
    history: Sequence[Share]
    policy: MonitoringConfig


@dataclass(frozen=True)
class Measured:
    """One metric at one run: measured on labelled predictions, or estimated; `reference` is of the test rows."""

    at: datetime
    kind: Literal["real", "estimated"]
    metric: str
    value: float | None
    low: float | None
    high: float | None
    reference: float | None
    labelled: int


@dataclass(frozen=True)
class Performance:
    """Every metric over time, oldest first, and which predictions of the last run's window have a label.

    `labelled` are those of any version, `label_coverage` is their share.
    """

    project: str
    labelled: int
    label_coverage: float | None
    label_delay_seconds: float | None
    hit_rate: Mapping[str, Any] | None
    points: Sequence[Measured]


class Last:
    """Each project's last regular run, for who asks often: read anew after seconds, kept where the store is away."""

    def __init__(self, projects: Sequence[str], settings: Settings) -> None:
        self._projects, self._settings = projects, settings
        self._runs: dict[str, MonitoringRun] = {}
        self._read, self._lock = float("-inf"), Lock()

    def runs(self) -> Mapping[str, MonitoringRun]:
        """By project; without those that were never looked at. A store that hangs keeps nobody waiting for long."""
        if time.monotonic() - self._read > FRESH_SECONDS and self._lock.acquire(blocking=False):
            reading = Thread(target=self._refresh, name="last runs", daemon=True)
            reading.start()
            reading.join(WAIT_SECONDS)
        return dict(self._runs)

    def _refresh(self) -> None:
        try:
            found = {name: store.last_run(self._settings, project=name) for name in self._projects}
            self._runs = {name: run for name, run in found.items() if run}
        except StoreError as error:
            log.warning("the last runs are not known", reason=error.detail)
        finally:
            self._read = time.monotonic()
            self._lock.release()


def runs(settings: Settings, *, project: str, limit: int) -> list[Run]:
    """Newest first. Raises StoreError."""
    return [_run(each, settings) for each in store.runs(settings, project=project, limit=limit)]


def drift(project: str, settings: Settings, policy: MonitoringConfig) -> Drift:
    """Raises StoreError."""
    past = _past(project, settings)
    last = next((run for run in past if run.findings.get("drift")), None)
    return Drift(
        project=project,
        at=last.at if last else None,
        since=last.since if last else None,
        until=last.until if last else None,
        model_version=last.model_version if last else "",
        decision=last.decision if last else "",
        drifted_share=last.findings.get("drifted_share") if last else None,
        features=last.findings["drift"] if last else (),
        history=[_share(run) for run in reversed(past)],
        policy=policy,
    )


def performance(project: str, settings: Settings) -> Performance:
    """Raises StoreError."""
    past = _past(project, settings)
    arrived = labels(past[0]) if past else {}
    return Performance(
        project=project,
        labelled=past[0].labelled if past else 0,
        label_coverage=arrived.get("coverage"),
        label_delay_seconds=arrived.get("delay_seconds"),
        hit_rate=next((run.findings["hit_rate"] for run in past if run.findings.get("hit_rate")), None),
        points=[point for run in reversed(past) for point in _measured(run)],
    )


def _past(project: str, settings: Settings) -> list[MonitoringRun]:
    """Runs of the usual length, newest first: others can't stand in one line with them."""
    past = store.runs(settings, project=project, limit=HISTORY)
    return [run for run in past if store.is_regular(run.since, run.until, settings)]


def psi(run: MonitoringRun) -> dict[str, float]:
    """By column, where it is known."""
    return {each["feature"]: each["psi"] for each in run.findings.get("drift") or () if each["psi"] is not None}


def report_url(run: MonitoringRun, settings: Settings) -> str:
    """Where its report is served; empty where there is none, or none any more."""
    there = run.report and (settings.drift_reports / run.report).is_file()
    return f"/reports/{run.report}" if there else ""


def labels(run: MonitoringRun) -> Mapping[str, Any]:
    """`coverage` and `delay_seconds` of all predictions of its window; older runs have the live version's alone."""
    return run.findings.get("labels") or run.findings.get("performance") or {}


def state(run: MonitoringRun) -> str | None:
    """How it judged the performance on labels; None where the live version has none."""
    return (run.findings.get("performance") or {}).get("state")


def metrics(run: MonitoringRun, kind: Kind) -> Mapping[str, Mapping[str, Any]]:
    """Real or estimated metrics by name; none where it found none."""
    return (run.findings.get(kind) or {}).get("metrics") or {}


def _run(run: MonitoringRun, settings: Settings) -> Run:
    drifted = tuple(each["feature"] for each in run.findings.get("drift") or () if each.get("state") in DRIFTED)
    return Run(
        id=run.id,
        project=run.project,
        at=run.at,
        since=run.since,
        until=run.until,
        days=round((run.until - run.since).total_seconds() / 86400, 3),
        model_version=run.model_version,
        decision=run.decision,
        reasons=run.reasons,
        predictions=run.rows,
        labelled=run.labelled,
        drifted_share=run.findings.get("drifted_share"),
        drifted_features=drifted,
        run_seconds=run.seconds,
        report_url=report_url(run, settings),
    )


def _share(run: MonitoringRun) -> Share:
    return Share(run.at, run.decision, run.findings.get("drifted_share"), psi(run).get("score"))


def _measured(run: MonitoringRun) -> Iterator[Measured]:
    parts: dict[Kind, Literal["real", "estimated"]] = {"performance": "real", "estimate": "estimated"}
    for part, kind in parts.items():
        for name, found in metrics(run, part).items():
            value, low, high, reference = (found.get(each) for each in ("value", "low", "high", "reference"))
            yield Measured(run.at, kind, name, value, low, high, reference, run.labelled)
