"""`monitoring_runs`: what every monitoring run found and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portfolio.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNDECIDED = "unknown"
PAST = 1000
TOLERANCE = 0.01


@dataclass(frozen=True)
class MonitoringRun:
    """One monitoring run, of the predictions in [since, until).

    `decision` is ok, watch, retrain, roll back or unknown; `reasons` are sentences; `findings` everything that was
    found; `report` the HTML report's name in the folder of reports.
    """

    project: str
    at: datetime
    since: datetime
    until: datetime
    model_version: str
    bundle: str
    decision: str
    reasons: tuple[str, ...]
    rows: int
    labelled: int
    findings: Mapping[str, Any] = field(default_factory=dict)
    report: str = ""
    seconds: float = 0.0
    id: int | None = None


def add_run(run: MonitoringRun, settings: Settings) -> int:
    """Store a run and return its id. Raises StoreError."""
    from portfolio.store.database import writing
    from portfolio.store.tables import MONITORING_RUNS as TABLE

    values = {name: value for name, value in asdict(run).items() if name != "id"}
    with writing(settings) as connection:
        return int(connection.execute(TABLE.insert().values(**values).returning(TABLE.c.id)).scalar_one())


def runs(
    settings: Settings, *, project: str = "", limit: int = 100, since: datetime | None = None, decided: bool = False
) -> tuple[MonitoringRun, ...]:
    """Runs, newest first: one project's, or all; `decided` leaves out those that could not judge. Raises StoreError."""
    from portfolio.store.database import reading
    from portfolio.store.tables import MONITORING_RUNS as TABLE

    query = TABLE.select().order_by(TABLE.c.at.desc(), TABLE.c.id.desc()).limit(limit)
    if project:
        query = query.where(TABLE.c.project == project)
    if since is not None:
        query = query.where(TABLE.c.at >= since)
    if decided:
        query = query.where(TABLE.c.decision != UNDECIDED)
    with reading(settings, TABLE.name) as connection:
        return tuple(run_of(row) for row in connection.execute(query).mappings()) if connection else ()


def is_regular(since: datetime, until: datetime, settings: Settings) -> bool:
    """Whether a window is MONITORING_DAYS long: a look by hand at an hour is not what the model stands at."""
    days = settings.monitoring_days
    return abs((until - since).total_seconds() / 86400 - days) <= TOLERANCE * days


def last_run(settings: Settings, *, project: str) -> MonitoringRun | None:
    """The regular run that was stored last, whatever clock it had. Raises StoreError."""
    from portfolio.store.database import reading
    from portfolio.store.tables import MONITORING_RUNS

    with reading(settings, MONITORING_RUNS.name) as connection:
        return find_last(connection, project, settings) if connection else None


def find_last(connection: Connection, project: str, settings: Settings) -> MonitoringRun | None:
    """The regular run that was stored last."""
    from sqlalchemy import select

    from portfolio.store.tables import MONITORING_RUNS as TABLE

    windows = select(TABLE.c.id, TABLE.c.since, TABLE.c.until).where(TABLE.c.project == project)
    newest = connection.execute(windows.order_by(TABLE.c.id.desc()).limit(PAST)).all()
    found = next((row.id for row in newest if is_regular(row.since, row.until, settings)), None)
    if found is None:
        return None
    return run_of(connection.execute(TABLE.select().where(TABLE.c.id == found)).mappings().one())


def run_of(row: Mapping[Any, Any]) -> MonitoringRun:
    """A row of the table."""
    values = {column.name: row[column.name] for column in fields(MonitoringRun)}
    return MonitoringRun(**values | {"reasons": tuple(row["reasons"])})
