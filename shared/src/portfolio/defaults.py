"""LightGBM with its defaults on the untouched request fields: what every gain and every twin is measured against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from portfolio.spec import Binary, Frame, Task

Vector = np.ndarray[Any, np.dtype[np.float64]]
REPEATABLE: dict[str, Any] = {
    "random_state": 42,
    "n_jobs": 1,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
}


def fit_defaults(task: Task, frame: Frame, truth: Vector) -> Callable[[Frame], Vector]:
    """Fit N request rows, text as LightGBM's own categories and amounts as they are.

    Returns a function from M request rows to their probabilities or amounts, float64 [M].
    """
    kinds = {name: pd.CategoricalDtype(sorted(set(v) - {""})) for name, v in frame.items() if v.dtype == object}
    binary = isinstance(task, Binary)
    model = (lgb.LGBMClassifier if binary else lgb.LGBMRegressor)(**REPEATABLE)
    model.fit(pd.DataFrame(frame).astype(kinds), truth)

    def predict(rows: Frame) -> Vector:
        table = pd.DataFrame(rows).astype(kinds)
        answers = np.asarray(model.predict_proba(table) if binary else model.predict(table), dtype=np.float64)
        return answers[:, 1] if binary else answers

    return predict
