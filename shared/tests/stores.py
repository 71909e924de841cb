"""Predictions as a service would have answered them, and where a store is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from portfolio.serving.ids import uuid7
from portfolio.settings import Settings
from portfolio.store import Deployment, MonitoringRun, Prediction, shipping

BEGIN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

LINE = Deployment(
    operation="a" * 32, at=BEGIN, who="ann@desk", project="toylate", action="promote", outcome="live", to_version="1"
)
RUN = MonitoringRun(
    project="toylate",
    at=BEGIN,
    since=BEGIN - timedelta(days=7),
    until=BEGIN,
    model_version="2",
    bundle="b",
    decision="watch",
    reasons=("Age: PSI 0.31, limit 0.20 (0.02 by chance)", "Grüße"),
    rows=1000,
    labelled=10,
    findings={"drift": [{"feature": "Age", "psi": np.float64(0.31), "state": "watch", "bins": {"labels": ["a"]}}]},
    report="toylate-1.html",
    seconds=1.5,
)


def address_of(settings: Settings) -> str:
    """As SQLAlchemy names it, with the driver."""
    return settings.store_address.replace("postgresql:", "postgresql+psycopg:", 1)


def prediction(number: int = 0, **values: Any) -> Prediction:
    """The prediction of that number: one a second from BEGIN on, every fourth positive."""
    at = values.pop("at", BEGIN + timedelta(seconds=number))
    row = {
        "prediction_id": uuid7(int(at.timestamp() * 1000), number.to_bytes(16)[::-1]),
        "at": at,
        "project": "toylate",
        "model_version": "2",
        "bundle": "20260102T030405Z-abcdef",
        "role": "champion",
        "features": {"pieces": 1 + number % 9, "weight": None, "colour": "red", "note": "Grüße"},
        "score": (number % 100) / 100,
        "decision": int(number % 4 == 0),
        "latency_ms": 0.25,
        "request_id": f"r{number}",
        "entity_id": "",
    }
    return Prediction(**row | values)


def predictions(number: int, **values: Any) -> list[Prediction]:
    """The first predictions."""
    return [prediction(row, **values) for row in range(number)]


def ship(rows: Sequence[Prediction], settings: Settings) -> int:
    """Store predictions; how many were new."""
    with shipping(settings) as send:
        return send(rows)
