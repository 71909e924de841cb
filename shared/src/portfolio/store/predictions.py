"""`model_predictions`: every prediction that was answered, and the sums of each minute of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import orjson

from portfolio.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

Role = Literal["champion", "challenger", "shadow"]
Ship = Callable[[Sequence["Prediction"]], int]
MINUTE = 60


@dataclass(frozen=True)
class Prediction:
    """A prediction that was answered.

    `prediction_id` is a UUIDv7, `at` in UTC, `model_version` what the answer said; the bundle's own name tells one
    registry's version 2 from another's. `features` are the request's fields, None where missing. `score` is the
    probability of the positive class, or the amount; `decision` 0 or 1, None for an amount.
    """

    prediction_id: str
    at: datetime
    project: str
    model_version: str
    bundle: str
    role: Role
    features: Mapping[str, Any]
    score: float
    decision: int | None
    latency_ms: float
    request_id: str = ""
    entity_id: str = ""


@contextmanager
def shipping(settings: Settings) -> Iterator[Ship]:
    """A function that stores a batch in one transaction and returns how many of it were not there yet.

    The tables are brought to this release's once, and the connection stays open; use it in one thread. Raises
    StoreError, at the beginning and at any batch: then open it anew, and bring the same batch again.
    """
    from portfolio.store.database import QUICK_SECONDS, staying

    with staying(settings, QUICK_SECONDS) as transaction:

        def ship(batch: Sequence[Prediction]) -> int:
            if not batch:
                return 0
            with transaction() as connection:
                return _store(connection, batch)

        yield ship


def _store(connection: Connection, batch: Sequence[Prediction]) -> int:
    rows = {row.prediction_id: row for row in batch}
    insert = _insert_document if connection.dialect.name == "postgresql" else _insert_rows
    added = [rows[name] for name in insert(connection, tuple(rows.values()))]
    _add_up(connection, added)
    return len(added)


def _insert_rows(connection: Connection, rows: Sequence[Prediction]) -> Iterable[str]:
    """The ids that were not there yet: looked up before, as an INSERT that returns them takes twice as long."""
    from sqlalchemy import text

    asked = orjson.dumps([row.prediction_id for row in rows]).decode()
    known = "SELECT prediction_id FROM model_predictions WHERE prediction_id IN (SELECT value FROM json_each(:asked))"
    there = set(connection.execute(text(known), {"asked": asked}).scalars())
    fresh = [row for row in rows if row.prediction_id not in there]
    if fresh:
        columns, places = ", ".join(f'"{name}"' for name in NAMES), ", ".join("?" * len(NAMES))
        statement = f"INSERT INTO model_predictions ({columns}) VALUES ({places})"  # noqa: S608 (our own names)
        connection.exec_driver_sql(statement, list(map(_plain, fresh)))
    return [row.prediction_id for row in fresh]


def _plain(row: Prediction) -> tuple[Any, ...]:
    """A row as SQLite keeps it, in the order of NAMES."""
    at = row.at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    values = (row.prediction_id, at, row.project, row.model_version, row.bundle, row.role)
    features = orjson.dumps(row.features).decode()
    return *values, features, row.score, row.decision, row.latency_ms, row.request_id, row.entity_id


def _insert_document(connection: Connection, rows: Sequence[Prediction]) -> Iterable[str]:
    """The same in PostgreSQL, where one JSON document is four times as fast as 60,000 parameters."""
    from sqlalchemy import text

    document = orjson.dumps(rows)
    if b"\\u0000" in document:
        document = ZERO.sub(rb"\1\\ufffd", document)
    names = ", ".join(f'"{name}"' for name in NAMES)
    rows_of = "json_populate_recordset(NULL::model_predictions, CAST(:document AS json))"
    statement = f"INSERT INTO model_predictions ({names}) SELECT {names} FROM {rows_of}"  # noqa: S608 (our own names)
    statement += " ON CONFLICT DO NOTHING RETURNING prediction_id"
    return connection.execute(text(statement), {"document": document.decode()}).scalars()


def _add_up(connection: Connection, added: Sequence[Prediction]) -> None:
    from portfolio.store.database import insert
    from portfolio.store.tables import PREDICTION_MINUTES as TABLE

    if not added:
        return
    sums = list(_minutes(added))
    statement = insert(connection, TABLE)
    grown = {name: TABLE.c[name] + statement.excluded[name] for name in ("number", "positive", "total", "squares")}
    connection.execute(statement.on_conflict_do_update(index_elements=TABLE.primary_key.columns, set_=grown), sums)


def _minutes(added: Sequence[Prediction]) -> Iterator[dict[str, Any]]:
    """The sums of each minute, in one order for all who write, so that none waits for another in a circle."""
    groups: dict[tuple[str, str, int], list[Prediction]] = {}
    for row in added:
        groups.setdefault((row.project, row.role, int(row.at.timestamp()) // MINUTE), []).append(row)
    for (project, role, minute), rows in sorted(groups.items()):
        scores, decisions = [row.score for row in rows], [row.decision for row in rows if row.decision is not None]
        yield {
            "project": project,
            "role": role,
            "minute": minute,
            "number": len(rows),
            "positive": sum(decisions) if decisions else None,
            "total": sum(scores),
            "squares": sum(score * score for score in scores),
            "labelled": 0,
        }


NAMES = tuple(field.name for field in fields(Prediction))
ZERO = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""A zero character, which no text of PostgreSQL can hold, in a JSON document."""
