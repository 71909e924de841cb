"""Fitted models of the two families that ship, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from portfolio.training.encoder import Matrix

Vector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class TreeModel:
    """A LightGBM gbdt booster on the encoded matrix."""

    booster: lgb.Booster

    def score(self, encoded: Matrix) -> Vector:
        """Raw margin (or value on the learned scale), float64 [N]."""
        return np.asarray(self.booster.predict(encoded, raw_score=True), dtype=np.float64)

    def gains(self) -> Vector:
        """How much each encoded column reduced the loss, summed over all splits."""
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)


@dataclass(frozen=True)
class LinearModel:
    """intercept + weights · (x − center) / scale, where a missing x is `fill`; all vectors have the encoded width."""

    fill: Vector
    center: Vector
    scale: Vector
    weights: Vector
    intercept: float

    def score(self, encoded: Matrix) -> Vector:
        """Raw margin (or value on the learned scale), float64 [N]."""
        filled = np.where(np.isnan(encoded), self.fill, encoded)
        return np.asarray((filled - self.center) / self.scale @ self.weights + self.intercept)

    def gains(self) -> Vector:
        """How far one standard deviation of each encoded column moves the score."""
        return np.abs(self.weights)


Model = TreeModel | LinearModel
