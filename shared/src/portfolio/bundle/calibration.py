"""Calibration as knots: a strictly increasing piecewise linear map from the model's raw score to the answer's scale."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator


class Calibration(BaseModel):
    """Knots (x, y), at least two. Beyond the outer knots the outer pieces go on, so the order of scores is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: tuple[float, ...]
    y: tuple[float, ...]

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        if len(self.x) < 2 or len(self.x) != len(self.y):
            raise ValueError("calibration needs two knots or more, each with x and y")
        if min(np.diff(self.x)) <= 0 or min(np.diff(self.y)) <= 0:
            raise ValueError("calibration knots must increase strictly in x and y")
        return self

    @classmethod
    def identity(cls) -> Self:
        """No change."""
        return cls(x=(0.0, 1.0), y=(0.0, 1.0))

    def apply(self, scores: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Raw scores [N] on the answer's scale, float64 [N]."""
        x, y, slopes = self._pieces
        if len(slopes) == 1:
            line: np.ndarray[Any, np.dtype[np.float64]] = self.y[0] + float(slopes[0]) * (scores - self.x[0])
            return line
        piece = x[1:-1].searchsorted(scores, side="right")
        calibrated: np.ndarray[Any, np.dtype[np.float64]] = y[piece] + slopes[piece] * (scores - x[piece])
        return calibrated

    @cached_property
    def _pieces(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Knots and slopes as arrays, made once: a single prediction would pay for them as much as for its model."""
        x, y = np.array(self.x), np.array(self.y)
        return x, y, np.diff(y) / np.diff(x)
