"""Files of labels, and a repository whose store has ten predictions that they may be of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import isnan

from stores import BEGIN, predictions

from portfolio.predictions.label_files import Imported
from portfolio.settings import Settings
from portfolio.store import window

HEADER = "prediction_id,true_label,label_timestamp,label_source\n"
IDS = [row.prediction_id for row in predictions(10)]
NOBODY = "00000000-0000-7000-8000-000000000000"
Write = Callable[..., None]


def row(number: int, value: object = 1, rest: str = "2026-01-03T00:00:00Z,crm") -> str:
    """A line about the prediction of that number."""
    return f"{IDS[number]},{value},{rest}"


def recorded(settings: Settings) -> dict[int, float]:
    """The labels in the store, by the number of their prediction."""
    found = window("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1))
    labels = zip(found.prediction_ids, found.labels, strict=True)
    return {IDS.index(name): label for name, label in labels if not isnan(label)}


def told(imported: Imported) -> list[tuple[int, str]]:
    """Lines that were not recorded, and their outcome."""
    return [(refused.line, refused.outcome) for refused in imported.first]
