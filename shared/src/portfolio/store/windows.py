"""A window of predictions, as columns, each with the label that came for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from portfolio.settings import Settings
from portfolio.store.predictions import Role

FloatVector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Window:
    """Predictions of one project, oldest first, in columns of length N.

    There are `total`; the columns hold the newest of them. `at` is in Unix seconds. `decisions` are NaN for amounts,
    `labels` where none has come; `delays` are the seconds from a prediction to its label's time, NaN without one and
    0 where the truth is older than the prediction.
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


def window(
    project: str,
    settings: Settings,
    *,
    since: datetime,
    until: datetime,
    role: Role = "champion",
    most: int = 200_000,
) -> Window:
    """The predictions in [since, until), `most` of them at the most. Raises StoreError."""
    from sqlalchemy import func, select

    from portfolio.store.database import reading
    from portfolio.store.tables import LABELS, MODEL_PREDICTIONS

    at = MODEL_PREDICTIONS.c
    inside = (at.project == project, at.role == role, at.at >= since, at.at < until)
    columns = (at.prediction_id, at.at, at.model_version, at.bundle, at.features, at.score, at.decision)
    joined = MODEL_PREDICTIONS.outerjoin(LABELS, LABELS.c.prediction_id == at.prediction_id)
    query = select(*columns, LABELS.c.true_label, LABELS.c.label_timestamp).select_from(joined).where(*inside)
    newest = query.order_by(at.at.desc()).limit(most)
    with reading(settings, MODEL_PREDICTIONS.name) as connection:
        if connection is None:
            return _columns(0, [])
        total = connection.execute(select(func.count()).select_from(MODEL_PREDICTIONS).where(*inside)).scalar_one()
        return _columns(total, connection.execute(newest).all()[::-1])


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
