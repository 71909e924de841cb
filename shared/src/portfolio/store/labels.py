"""`labels`: the truth about predictions, arriving later; `labels_aside`: what could not be joined, or was overruled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import orjson

from portfolio.settings import Settings
from portfolio.store.predictions import MINUTE
from portfolio.store.pruning import bound_aside

if TYPE_CHECKING:
    from sqlalchemy import Connection

LabelOutcome = Literal["recorded", "repeated", "replaced", "conflict", "unknown", "refused"]
Fits = Callable[[str, float], str]
"""What is wrong with a value as the truth of that project's model, "" where nothing is."""
ASIDE: tuple[LabelOutcome, ...] = ("conflict", "unknown", "refused")
PART = 5_000


@dataclass(frozen=True)
class Label:
    """The truth about one prediction, when it was known and who says so."""

    prediction_id: str
    true_label: float
    label_timestamp: datetime
    label_source: str = ""


@dataclass(frozen=True)
class Joined:
    """What became of one label, and why where it was not recorded."""

    prediction_id: str
    outcome: LabelOutcome
    reason: str = ""


def join(
    labels: Sequence[Label], settings: Settings, fits: Fits, *, project: str = "", replace: bool = False
) -> tuple[Joined, ...]:
    """Record labels of one project's predictions, or of any; what is not recorded is kept aside. Raises StoreError.

    A value that is there already is repeated, whoever says so and when; another one is a conflict, unless the new one
    shall `replace` it: then the old one moves aside. Of a part of 5,000 all is stored or nothing.
    """
    found: list[Joined] = []
    for start in range(0, len(labels), PART):
        found += _join_part(labels[start : start + PART], settings, _Desk(fits, project, replace))
    return tuple(found)


def settle(settings: Settings, fits: Fits, *, project: str = "") -> int:
    """Join labels that were kept aside as unknown and whose predictions have come; returns how many were recorded.

    Of more than a million aside, of one project and reason, the oldest go, and the log says so. Raises StoreError.
    """
    from portfolio.store.database import reading, writing
    from portfolio.store.tables import LABELS_ASIDE as TABLE

    recorded, after = 0, 0
    while True:
        with reading(settings, TABLE.name) as connection:
            waiting = _waiting(connection, project, after) if connection else []
        if not waiting:
            bound_aside(settings)
            return recorded
        after = waiting[-1].id
        with writing(settings) as connection:
            _one_at_a_time(connection)
            for owner in sorted({row.project for row in waiting}):  # as they were brought: for one project, or for any
                labels = [_label(row) for row in waiting if row.project == owner]
                joined = _join(connection, labels, _Desk(fits, owner, replace=False))
                recorded += sum(one.outcome == "recorded" for one in joined)
            connection.execute(TABLE.delete().where(TABLE.c.id.in_([row.id for row in waiting])))


@dataclass(frozen=True)
class _Made:
    project: str
    role: str
    at: datetime


@dataclass(frozen=True)
class _Desk:
    """What labels are judged by, and what is to be written of them."""

    fits: Fits
    project: str
    replace: bool
    fresh: dict[str, Label] = field(default_factory=dict)
    aside: list[tuple[Label, str, str]] = field(default_factory=list)

    def judge(self, label: Label, made: _Made | None, known: Label | None) -> Joined:
        """What becomes of a label of a prediction that was `made`, where `known` is recorded."""
        outcome, reason = self._outcome(label, made, known)
        owner = made.project if made else self.project
        if outcome in ASIDE:
            self.aside.append((label, outcome, owner))
        if outcome in ("recorded", "replaced"):
            self.fresh[label.prediction_id] = label
        if outcome == "replaced" and known:
            self.aside.append((known, outcome, owner))
        return Joined(label.prediction_id, outcome, reason)

    def _outcome(self, label: Label, made: _Made | None, known: Label | None) -> tuple[LabelOutcome, str]:
        if made is None:
            whose = f" of {self.project}" if self.project else ""
            return "unknown", f"no prediction{whose} with this id is in the store; kept aside until it comes"
        if wrong := self.fits(made.project, label.true_label):
            return "refused", wrong
        if known is None:
            return "recorded", ""
        if known.true_label == label.true_label:
            return "repeated", ""
        before = f"{known.true_label:g} was recorded with the time {known.label_timestamp:%Y-%m-%dT%H:%M:%SZ}"
        return ("replaced", f"{before}; kept aside") if self.replace else ("conflict", f"{before}; that one stays")


def _join_part(labels: Sequence[Label], settings: Settings, desk: _Desk) -> list[Joined]:
    from portfolio.store.database import writing

    with writing(settings) as connection:
        _one_at_a_time(connection)
        return _join(connection, labels, desk)


def _join(connection: Connection, labels: Sequence[Label], desk: _Desk) -> list[Joined]:
    ids = sorted({label.prediction_id for label in labels})
    made, known = _made(connection, ids, desk.project), _known(connection, ids)
    joined = [
        desk.judge(
            label, made.get(label.prediction_id), desk.fresh.get(label.prediction_id) or known.get(label.prediction_id)
        )
        for label in labels
    ]
    _write(connection, desk, made, known)
    return joined


def _write(connection: Connection, desk: _Desk, made: Mapping[str, _Made], known: Mapping[str, Label]) -> None:
    from portfolio.store.database import insert
    from portfolio.store.tables import LABELS_ASIDE

    now = datetime.now(UTC)
    if desk.fresh:
        rows = [
            {**asdict(label), "project": made[name].project, "predicted_at": made[name].at, "at": now}
            for name, label in sorted(desk.fresh.items())
        ]
        _upsert(connection, rows)
        _count(connection, [made[name] for name in desk.fresh if name not in known])
    if desk.aside:
        rows = [{**asdict(label), "reason": reason, "project": owner, "at": now} for label, reason, owner in desk.aside]
        connection.execute(insert(connection, LABELS_ASIDE).on_conflict_do_nothing(), rows)


def _upsert(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record labels, in place of those that are there; to PostgreSQL as one document, where a row is a round trip."""
    from sqlalchemy import text

    from portfolio.store.database import insert
    from portfolio.store.tables import LABELS

    statement = insert(connection, LABELS)
    newer = {name: statement.excluded[name] for name in ("true_label", "label_timestamp", "label_source", "at")}
    on_conflict: dict[str, Any] = {"index_elements": ["prediction_id"], "set_": newer}
    if connection.dialect.name != "postgresql":
        connection.execute(statement.on_conflict_do_update(**on_conflict), rows)
        return
    names = [*rows[0]]
    columns = [LABELS.c[name] for name in names]
    source = text(f"SELECT {', '.join(names)} FROM json_populate_recordset(NULL::labels, CAST(:document AS json))")  # noqa: S608 (our own names)
    source = source.bindparams(document=orjson.dumps(rows).decode())
    connection.execute(statement.from_select(columns, source.columns(*columns)).on_conflict_do_update(**on_conflict))


def _count(connection: Connection, labelled: Iterable[_Made]) -> None:
    """Add to the sums of the minutes, in the one order of all who do."""
    from sqlalchemy import bindparam

    from portfolio.store.tables import PREDICTION_MINUTES as TABLE

    minutes = Counter((row.project, row.role, int(row.at.timestamp()) // MINUTE) for row in labelled)
    if not minutes:
        return
    keys = ("project", "role", "minute")
    statement = TABLE.update().values(labelled=TABLE.c.labelled + bindparam("more"))
    statement = statement.where(*(TABLE.c[key] == bindparam(f"of_{key}") for key in keys))
    rows = [
        {"more": number, **{f"of_{key}": value for key, value in zip(keys, minute, strict=True)}}
        for minute, number in sorted(minutes.items())
    ]
    connection.execute(statement, rows)


def _made(connection: Connection, ids: Sequence[str], project: str) -> dict[str, _Made]:
    from sqlalchemy import select

    from portfolio.store.tables import MODEL_PREDICTIONS as TABLE

    query = select(TABLE.c.prediction_id, TABLE.c.project, TABLE.c.role, TABLE.c.at)
    query = query.where(TABLE.c.prediction_id.in_(ids))
    if project:
        query = query.where(TABLE.c.project == project)
    return {row.prediction_id: _Made(row.project, row.role, row.at) for row in connection.execute(query)}


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, Label]:
    from portfolio.store.tables import LABELS as TABLE

    rows: Iterable[Any] = connection.execute(TABLE.select().where(TABLE.c.prediction_id.in_(ids)))
    return {row.prediction_id: _label(row) for row in rows}


def _label(row: Any) -> Label:
    return Label(row.prediction_id, row.true_label, row.label_timestamp, row.label_source)


def _waiting(connection: Connection, project: str, after: int) -> Sequence[Any]:
    from sqlalchemy import and_, or_

    from portfolio.store.tables import LABELS_ASIDE, MODEL_PREDICTIONS

    aside, made = LABELS_ASIDE.c, MODEL_PREDICTIONS.c
    there = and_(made.prediction_id == aside.prediction_id, or_(aside.project == "", aside.project == made.project))
    query = LABELS_ASIDE.select().join(MODEL_PREDICTIONS, there).where(aside.reason == "unknown", aside.id > after)
    if project:
        query = query.where(made.project == project)
    return connection.execute(query.order_by(aside.id).limit(PART)).all()


def _one_at_a_time(connection: Connection) -> None:
    """Whoever judges labels sees all that were judged before: SQLite has one writer anyway."""
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


LOCK = 0x6C61626C
"""Of PostgreSQL."""
