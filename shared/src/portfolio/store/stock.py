"""How much the store holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Holding:
    """Predictions of one project: how many, when the first and the last were made, how many have a label."""

    project: str
    rows: int
    first: datetime | None
    last: datetime | None
    labels: int
    aside: int


@dataclass(frozen=True)
class Stock:
    """What the store holds of each project, labels aside whose project nobody knows, and the room all of it takes."""

    holdings: tuple[Holding, ...]
    unknown: int
    size: int


def stock(settings: Settings) -> Stock:
    """What the store holds. Raises StoreError."""
    from portfolio.store.database import reading
    from portfolio.store.tables import PREDICTION_MINUTES

    with reading(settings, PREDICTION_MINUTES.name) as connection:
        if connection is None:
            return Stock((), 0, 0)
        aside = _aside(connection)
        holdings = tuple(_holdings(connection, aside))
        return Stock(holdings, aside.get("", 0), _size(connection))


def _holdings(connection: Connection, aside: dict[str, int]) -> Iterator[Holding]:
    from sqlalchemy import func, select

    from portfolio.store.tables import MODEL_PREDICTIONS, PREDICTION_MINUTES

    minutes, at = PREDICTION_MINUTES.c, MODEL_PREDICTIONS.c.at
    sums = select(minutes.project, func.sum(minutes.number), func.sum(minutes.labelled)).group_by(minutes.project)
    for project, rows, labels in connection.execute(sums.order_by(minutes.project)).all():
        own = MODEL_PREDICTIONS.c.project == project
        first = connection.execute(select(at).where(own).order_by(at).limit(1)).scalar()
        last = connection.execute(select(at).where(own).order_by(at.desc()).limit(1)).scalar()
        yield Holding(project, int(rows), first, last, int(labels), aside.get(project, 0))


def _aside(connection: Connection) -> dict[str, int]:
    from sqlalchemy import func, select

    from portfolio.store.tables import LABELS_ASIDE as TABLE

    query = select(TABLE.c.project, func.count().label("number")).group_by(TABLE.c.project)
    return {row.project: row.number for row in connection.execute(query)}


def _size(connection: Connection) -> int:
    """Bytes on the disk."""
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    file = str(connection.engine.url.database)
    return sum(part.stat().st_size for part in map(Path, (file, f"{file}-wal")) if part.exists())
