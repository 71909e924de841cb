"""Which request fields each feature is made of, found by moving one field at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from portfolio.data.frames import take
from portfolio.errors import BundleError
from portfolio.spec import Features, Frame

ROWS = 500


def attribute(features: Features, frame: Frame) -> dict[str, tuple[str, ...]]:
    """Feature name → the fields whose change changes it, seen on up to 500 rows.

    Elementwise features make this exact enough: a field is moved by giving every row another row's value, three ways.
    Raises BundleError for a feature that varies and follows no field: its contributions would belong to nobody.
    """
    rows = take(frame, slice(0, ROWS))
    before = features(rows)
    found: dict[str, set[str]] = {name: set() for name in before}
    for field in rows:
        for shift in (1, 7, 50):
            after = features(rows | {field: np.roll(rows[field], shift)})
            for name in before:
                if not _same(before[name], after[name]):
                    found[name].add(field)
    for name, fields in found.items():
        if not fields and len(set(before[name].tolist())) > 1:
            raise BundleError(f"The feature {name} varies, but no field moves it.", remedy="Make it elementwise.")
    return {name: tuple(field for field in rows if field in fields) for name, fields in found.items()}


def _same(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    return bool(np.array_equal(left, right, equal_nan=left.dtype != object))
