"""What a project's predictions come to, from the sums of each minute: cheap, however many there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean, median, pstdev
from typing import TYPE_CHECKING, Any

from portfolio.settings import Settings
from portfolio.store.predictions import MINUTE
from portfolio.store.runs import MonitoringRun, find_last

if TYPE_CHECKING:
    from sqlalchemy import Connection

LAST, DELAYS = 100, 1000
SHOWN = ("feature", "psi", "state")


@dataclass(frozen=True)
class Sums:
    """A number of predictions: decisions of 1 (None for amounts), mean and standard deviation of `score`."""

    number: int
    positive: int | None = None
    mean: float | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class Summary:
    """What was answered; predictions that were made in the shadow are left out.

    `last_hour` begins with a whole minute. `coverage` is the share of the predictions of the last MONITORING_DAYS
    that have a label, `delay_seconds` the median of the newest 1,000 labels. `last_run` is the last one of
    MONITORING_DAYS; of its findings there is the drift alone.
    """

    project: str
    as_of: datetime
    total: Sums
    last_100: Sums
    last_hour: Sums
    labels: int
    coverage: float | None
    delay_seconds: float | None
    last_run: MonitoringRun | None


def summary(project: str, settings: Settings, *, now: datetime) -> Summary:
    """What a project's predictions come to. Raises StoreError."""
    from portfolio.store.database import reading
    from portfolio.store.tables import PREDICTION_MINUTES

    with reading(settings, PREDICTION_MINUTES.name) as connection:
        if connection is None:
            return Summary(project, now, Sums(0), Sums(0), Sums(0), 0, None, None, None)
        total, labels = _sums(connection, project)
        last_hour, _ = _sums(connection, project, since=now - timedelta(hours=1), until=now)
        recent, labelled = _sums(connection, project, since=now - timedelta(days=settings.monitoring_days))
        return Summary(
            project=project,
            as_of=now,
            total=total,
            last_100=_last(connection, project),
            last_hour=last_hour,
            labels=labels,
            coverage=labelled / recent.number if recent.number else None,
            delay_seconds=_delay(connection, project),
            last_run=_last_run(connection, project, settings),
        )


def _sums(
    connection: Connection, project: str, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[Sums, int]:
    """The sums over whole minutes, and how many of these predictions have a label."""
    from sqlalchemy import func, select

    from portfolio.store.tables import PREDICTION_MINUTES as TABLE

    at, names = TABLE.c, ("number", "positive", "total", "squares", "labelled")
    query = select(*(func.sum(at[name]) for name in names)).where(
        at.project == project, at.role.in_(("champion", "challenger"))
    )
    if since is not None:
        query = query.where(at.minute >= int(since.timestamp()) // MINUTE)
    if until is not None:
        query = query.where(at.minute <= int(until.timestamp()) // MINUTE)
    row: Any = connection.execute(query).one()
    number, positive, total, squares, labelled = row
    if not number:
        return Sums(0), 0
    mean = total / number
    deviation = math.sqrt(max(0.0, squares / number - mean * mean))
    return Sums(int(number), None if positive is None else int(positive), mean, deviation), int(labelled)


def _last(connection: Connection, project: str) -> Sums:
    from sqlalchemy import select

    from portfolio.store.tables import MODEL_PREDICTIONS as TABLE

    answered = (TABLE.c.project == project, TABLE.c.role != "shadow")
    query = select(TABLE.c.score, TABLE.c.decision).where(*answered).order_by(TABLE.c.at.desc()).limit(LAST)
    rows: Sequence[Any] = connection.execute(query).all()
    if not rows:
        return Sums(0)
    scores, decisions = [row.score for row in rows], [row.decision for row in rows if row.decision is not None]
    return Sums(len(rows), sum(decisions) if decisions else None, fmean(scores), pstdev(scores))


def _delay(connection: Connection, project: str) -> float | None:

    from portfolio.store.tables import LABELS as TABLE

    newest = TABLE.select().with_only_columns(TABLE.c.label_timestamp, TABLE.c.predicted_at)
    query = newest.where(TABLE.c.project == project).order_by(TABLE.c.label_timestamp.desc()).limit(DELAYS)
    delays = [max(0.0, (came - made).total_seconds()) for came, made in connection.execute(query)]
    return median(delays) if delays else None


def _last_run(connection: Connection, project: str, settings: Settings) -> MonitoringRun | None:
    run = find_last(connection, project, settings)
    if run is None:
        return None
    drift = [{name: column.get(name) for name in SHOWN} for column in run.findings.get("drift", ())]
    return replace(run, findings={"drift": drift})
