"""`monitoring_runs`: what every monitoring run found and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from portfolio.settings import Settings

UNDECIDED = "unknown"


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


def run_of(row: Mapping[Any, Any]) -> MonitoringRun:
    """A row of the table."""
    values = {column.name: row[column.name] for column in fields(MonitoringRun)}
    return MonitoringRun(**values | {"reasons": tuple(row["reasons"])})
