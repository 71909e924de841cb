"""A window of predictions, as columns, each with the label that came for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from portfolio.settings import Settings
from portfolio.store.predictions import Role

DELAYS = 10_000
"""Labels whose delay is looked at."""

FloatVector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Window:
    """Predictions of one project, oldest first, in columns of length N.

    There are `total`; the columns hold some of them, spread evenly. `at` is in Unix seconds. `decisions` are NaN for
    amounts, `labels` where none has come; `delays` are the seconds from a prediction to its label's time, NaN without
    one and 0 where the truth is older than the prediction.
    """

    total: int
    prediction_ids: tuple[str, ...]
    at: FloatVector
    versions: tuple[str, ...]
    bundles: tuple[str, ...]
    features: tuple[Mapping[str, Any], ...]
    scores: FloatVector
    decisions: FloatVector
    labels: FloatVector
    delays: FloatVector


@dataclass(frozen=True)
class Counted:
    """Predictions of a window and those of them that have a label, by bundle.

    `delay_seconds` is the median from a prediction to its label's time, of the newest; None without labels.
    """

    predictions: Mapping[str, int]
    labelled: Mapping[str, int]
    delay_seconds: float | None


def window(
    project: str,
    settings: Settings,
    *,
    since: datetime,
    until: datetime,
    role: Role = "champion",
    most: int = 200_000,
) -> Window:
    """The predictions in [since, until); of more than `most` every second, third, ... one. Raises StoreError."""
    from sqlalchemy import func, select

    from portfolio.store.database import reading
    from portfolio.store.tables import MODEL_PREDICTIONS as TABLE

    inside = _inside(project, role, since, until)
    with reading(settings, TABLE.name) as connection:
        if connection is None:
            return _columns(0, [])
        total = connection.execute(select(func.count()).select_from(TABLE).where(*inside)).scalar_one()
        if step := max(0, total - 1) // most:
            place = func.row_number().over(order_by=TABLE.c.at).label("place")
            placed = select(TABLE.c.prediction_id, place).where(*inside).subquery()
            inside = (
                TABLE.c.prediction_id.in_(select(placed.c.prediction_id).where(placed.c.place % (step + 1) == 0)),
            )
        return _columns(total, connection.execute(_rows(outer=True).where(*inside).order_by(TABLE.c.at)).all())


def total(project: str, settings: Settings, *, since: datetime, until: datetime) -> int:
    """How many predictions the champion made in [since, until). Raises StoreError."""
    from sqlalchemy import func, select

    from portfolio.store.database import reading
    from portfolio.store.tables import MODEL_PREDICTIONS as TABLE

    number = select(func.count()).select_from(TABLE).where(*_inside(project, "champion", since, until))
    with reading(settings, TABLE.name) as connection:
        return int(connection.execute(number).scalar_one()) if connection else 0


def labelled_window(
    project: str,
    settings: Settings,
    *,
    since: datetime,
    until: datetime,
    bundle: str,
    most: int,
) -> Window:
    """The champion's predictions in [since, until) by this bundle that have a label, the newest `most`.

    Raises StoreError.
    """
    from portfolio.store.database import reading
    from portfolio.store.tables import MODEL_PREDICTIONS as TABLE

    inside = (*_inside(project, "champion", since, until), TABLE.c.bundle == bundle)
    newest = _rows(outer=False).where(*inside).order_by(TABLE.c.at.desc()).limit(most)
    with reading(settings, TABLE.name) as connection:
        found = connection.execute(newest).all()[::-1] if connection else []
        return _columns(len(found), found)


def counted(project: str, settings: Settings, *, since: datetime, until: datetime) -> Counted:
    """How many predictions the champion made in [since, until), and how many labels have come. Raises StoreError."""
    from sqlalchemy import func, select

    from portfolio.store.database import reading
    from portfolio.store.tables import LABELS, MODEL_PREDICTIONS

    at, label, inside = MODEL_PREDICTIONS.c, LABELS.c, _inside(project, "champion", since, until)
    pairs = label.prediction_id == at.prediction_id
    numbers = select(at.bundle, func.count(), func.count(label.prediction_id)).where(*inside).group_by(at.bundle)
    newest = select(at.at, label.label_timestamp).where(*inside).order_by(at.at.desc()).limit(DELAYS)
    with reading(settings, MODEL_PREDICTIONS.name) as connection:
        if connection is None:
            return Counted({}, {}, None)
        found = connection.execute(numbers.select_from(MODEL_PREDICTIONS.outerjoin(LABELS, pairs))).all()
        times = connection.execute(newest.select_from(MODEL_PREDICTIONS.join(LABELS, pairs))).all()
    delays = [_delay(made, known) for made, known in times]
    return Counted(
        predictions={bundle: number for bundle, number, _ in found},
        labelled={bundle: number for bundle, _, number in found},
        delay_seconds=float(np.median(_floats(delays))) if delays else None,
    )


def _inside(project: str, role: Role, since: datetime, until: datetime) -> tuple[Any, ...]:
    from portfolio.store.tables import MODEL_PREDICTIONS

    at = MODEL_PREDICTIONS.c
    return (at.project == project, at.role == role, at.at >= since, at.at < until)


def _rows(*, outer: bool) -> Any:
    from sqlalchemy import select

    from portfolio.store.tables import LABELS, MODEL_PREDICTIONS

    at, label = MODEL_PREDICTIONS.c, LABELS.c
    columns = (at.prediction_id, at.at, at.model_version, at.bundle, at.features, at.score, at.decision)
    joined = MODEL_PREDICTIONS.join(LABELS, label.prediction_id == at.prediction_id, isouter=outer)
    return select(*columns, label.true_label, label.label_timestamp).select_from(joined)


def _columns(total: int, rows: Sequence[Any]) -> Window:
    return Window(
        total=max(total, len(rows)),  # more may have come between the two questions
        prediction_ids=tuple(row.prediction_id for row in rows),
        at=_floats([row.at.timestamp() for row in rows]),
        versions=tuple(row.model_version for row in rows),
        bundles=tuple(row.bundle for row in rows),
        features=tuple(row.features for row in rows),
        scores=_floats([row.score for row in rows]),
        decisions=_floats([row.decision for row in rows]),
        labels=_floats([row.true_label for row in rows]),
        delays=_floats([_delay(row.at, row.label_timestamp) for row in rows]),
    )


def _delay(made: datetime, known: datetime | None) -> float | None:
    return None if known is None else max(0.0, (known - made).total_seconds())


def _floats(values: Sequence[float | None]) -> FloatVector:
    """None becomes NaN."""
    return np.array(values, dtype=np.float64)
