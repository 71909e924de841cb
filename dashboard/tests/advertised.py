"""Adverts as GET /data of CarVision tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def columns(*rows: Mapping[str, Any]) -> dict[str, list[Any]]:
    usual = {
        "model": "ford f-150",
        "model_year": 2010,
        "condition": "good",
        "type": "truck",
        "odometer": 100_000,
        "date_posted": "2019-04-03",
        "price": 10_000,
        "prediction": 11_000,
        "prediction_low": 8_000,
        "prediction_high": 14_000,
    }
    return {name: [(usual | row)[name] for row in rows] for name in usual}
