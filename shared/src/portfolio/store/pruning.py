"""Removing what is older than it is to be kept: in small transactions, so that nobody who writes waits for long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from portfolio.logs import logger
from portfolio.settings import Settings
from portfolio.store.predictions import MINUTE

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

log = logger(__name__)

PART = 5_000
MOST_ASIDE = 1_000_000
"""Of one project and reason."""


@dataclass(frozen=True)
class Pruned:
    """How many rows were removed, or would be."""

    predictions: int
    labels: int
    aside: int
    runs: int


def prune(settings: Settings, *, before: datetime, project: str = "", dry_run: bool = False) -> Pruned:
    """Remove predictions, their labels, labels aside and monitoring runs from before the whole minute of a time.

    Of one project, or of all. The audit of promotions, and what models were trained on, stay. Raises StoreError; what
    was removed by then stays removed.
    """
    minute = int(before.timestamp()) // MINUTE
    edge = datetime.fromtimestamp(minute * MINUTE, UTC)
    return _count(settings, project, edge) if dry_run else _remove(settings, project, edge)


def bound_aside(settings: Settings) -> None:
    """Drop the oldest labels aside where there are too many: anybody may send them.

    What was replaced is kept. Raises StoreError.
    """
    from sqlalchemy import func, select

    from portfolio.store.database import reading, writing
    from portfolio.store.tables import LABELS_ASIDE

    aside = LABELS_ASIDE.c
    query = select(aside.project, aside.reason, func.count().label("number")).where(aside.reason != "replaced")
    query = query.group_by(aside.project, aside.reason).having(func.count() > MOST_ASIDE)
    with reading(settings, LABELS_ASIDE.name) as connection:
        crowds = connection.execute(query).all() if connection else []
    for project, reason, number in crowds:
        own = (aside.project == project, aside.reason == reason)
        oldest_that_stays = select(aside.id).where(*own).order_by(aside.id.desc()).offset(MOST_ASIDE - 1).limit(1)
        with writing(settings) as connection:
            connection.execute(LABELS_ASIDE.delete().where(*own, aside.id < oldest_that_stays.scalar_subquery()))
        log.warning("too many labels aside, the oldest are dropped", project=project, reason=reason, number=number)


def thin_runs(settings: Settings, *, before: datetime) -> int:
    """Of the monitoring runs from before a time keep each day's first and those that decided something else.

    Returns how many were removed. Raises StoreError.
    """
    from sqlalchemy import select

    from portfolio.store.database import staying
    from portfolio.store.tables import MONITORING_RUNS as TABLE

    told = select(TABLE.c.id, TABLE.c.project, TABLE.c.at, TABLE.c.decision).where(TABLE.c.at < before)
    with staying(settings) as transaction:
        with transaction() as connection:
            rows = connection.execute(told.order_by(TABLE.c.project, TABLE.c.at, TABLE.c.id)).all()
        said = [(row.project, row.at.date(), row.decision) for row in rows]
        gone = [row.id for row, this, last in zip(rows[1:], said[1:], said, strict=False) if this == last]
        for first in range(0, len(gone), PART):
            with transaction() as connection:
                connection.execute(TABLE.delete().where(TABLE.c.id.in_(gone[first : first + PART])))
    return len(gone)


def _count(settings: Settings, project: str, edge: datetime) -> Pruned:
    from sqlalchemy import func, select

    from portfolio.store.database import reading
    from portfolio.store.tables import LABELS, LABELS_ASIDE, MODEL_PREDICTIONS, MONITORING_RUNS

    old = (
        (MODEL_PREDICTIONS, MODEL_PREDICTIONS.c.at),
        (LABELS, LABELS.c.predicted_at),
        (LABELS_ASIDE, LABELS_ASIDE.c.at),
        (MONITORING_RUNS, MONITORING_RUNS.c.at),
    )
    with reading(settings, MODEL_PREDICTIONS.name) as connection:
        if connection is None:
            return Pruned(0, 0, 0, 0)
        queries = (select(func.count()).select_from(table).where(*_of(table, project), at < edge) for table, at in old)
        return Pruned(*(connection.execute(query).scalar_one() for query in queries))


def _remove(settings: Settings, project: str, edge: datetime) -> Pruned:
    from portfolio.store.database import staying
    from portfolio.store.tables import LABELS_ASIDE, MODEL_PREDICTIONS, MONITORING_RUNS, PREDICTION_MINUTES

    removed = {MODEL_PREDICTIONS: 0, LABELS_ASIDE: 0, MONITORING_RUNS: 0}
    labels = 0
    with staying(settings) as transaction:
        for table in removed:
            part = PART
            while part == PART:  # fewer: that was the last part
                with transaction() as connection:
                    part, with_label = _part(connection, table, [*_of(table, project), table.c.at < edge])
                removed[table] += part
                labels += with_label
        with transaction() as connection:
            minutes = PREDICTION_MINUTES.c.minute < int(edge.timestamp()) // MINUTE
            connection.execute(PREDICTION_MINUTES.delete().where(*_of(PREDICTION_MINUTES, project), minutes))
    predictions, aside, runs = removed.values()
    return Pruned(predictions, labels, aside, runs)


def _part(connection: Connection, table: Table, old: list[ColumnElement[bool]]) -> tuple[int, int]:
    """Remove some rows, and the labels of those that are predictions; how many of each."""
    from sqlalchemy import select

    from portfolio.store.tables import LABELS, MODEL_PREDICTIONS

    key = next(iter(table.primary_key.columns))
    ids = connection.execute(select(key).where(*old).limit(PART)).scalars().all()
    labels = 0
    if table is MODEL_PREDICTIONS:
        labels = connection.execute(LABELS.delete().where(LABELS.c.prediction_id.in_(ids))).rowcount
    connection.execute(table.delete().where(key.in_(ids)))
    return len(ids), labels


def _of(table: Table, project: str) -> list[ColumnElement[bool]]:
    return [table.c.project == project] if project else []
