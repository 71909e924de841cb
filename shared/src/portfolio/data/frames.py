"""Frames of request rows, and the one packer that turns features into the model's two tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from portfolio.spec import Column, Frame, is_missing


@dataclass(frozen=True)
class Arrays:
    """The model's inputs: `numeric` float32 [N, k], `categorical` str objects [N, m]."""

    numeric: np.ndarray[Any, np.dtype[np.float32]]
    categorical: np.ndarray[Any, np.dtype[np.object_]]

    def __len__(self) -> int:
        return len(self.numeric)

    def __getitem__(self, rows: Any) -> Arrays:
        return Arrays(self.numeric[rows], self.categorical[rows])


@dataclass(frozen=True)
class Layout:
    """Names and order of the packed columns, fixed when a model is trained."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


def frame_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Frame:
    """Rows by field name (None or absent: missing) as a frame.

    All numbers are converted in one call and all texts in another: for a few rows the calls are the cost.
    """
    numbers = [column.name for column in columns if column.numeric]
    texts = [column.name for column in columns if not column.numeric]
    numeric = iter(floats([[row.get(name) for name in numbers] for row in rows]).T)
    text = iter(np.array([[row.get(name) or "" for name in texts] for row in rows], dtype=object).T)
    return {column.name: next(numeric if column.numeric else text) for column in columns}


def floats(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers [N], or rows of numbers [N, k], as float64; None becomes NaN, a whole number beyond float64 infinite."""
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        nearest = np.vectorize(_nearest, otypes=[np.float64])
        return np.asarray(nearest(np.array(values, dtype=object)))


def layout_of(features: Frame) -> Layout:
    """Split a features frame's columns by kind, keeping their order."""
    texts = tuple(name for name, values in features.items() if values.dtype == object)
    return Layout(tuple(name for name in features if name not in texts), texts)


def pack(features: Frame, layout: Layout) -> Arrays:
    """Cast the columns that `layout` names; raises KeyError where the features lack one."""
    length = len(next(iter(features.values())))
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which the caller refuses
        numeric = _stack([features[name] for name in layout.numeric], length).astype(np.float32, order="C")
    return Arrays(numeric, _stack([features[name] for name in layout.categorical], length).astype(object, order="C"))


def take(frame: Frame, rows: Any) -> Frame:
    """The given rows of every column."""
    return {name: values[rows] for name, values in frame.items()}


def rows_of(frame: Frame, rows: Sequence[int], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Rows of a frame as JSON objects that the request class accepts; missing fields are left out."""
    return [
        {c.name: _cell(frame[c.name][row], c) for c in columns if not is_missing(frame[c.name][row : row + 1])[0]}
        for row in rows
    ]


def _nearest(value: float | None) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator] # None does not overflow


def _stack(columns: list[np.ndarray[Any, Any]], length: int) -> np.ndarray[Any, Any]:
    return np.concatenate(columns).reshape(len(columns), length).T if columns else np.empty((length, 0))


def _cell(value: Any, column: Column) -> Any:
    if not column.numeric:
        return str(value)
    return int(value) if column.whole else float(value)
