"""The frame: what features read and write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Frame = dict[str, np.ndarray[Any, Any]]
"""1-D columns of equal length: float64 with NaN for a missing number, str objects with "" for a missing text."""

Features = Callable[[Frame], Frame]
"""Elementwise, stateless, without a clock: one row or a million give the same bits."""


def is_missing(values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """True where a number is NaN or a text is empty."""
    missing: np.ndarray[Any, np.dtype[np.bool_]] = values == "" if values.dtype == object else np.isnan(values)
    return missing
