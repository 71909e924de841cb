"""The scikit-learn pipeline that every peer serves: the bundle's features, trees and parameters, from pandas rows.

Pickled by reference, so each peer's process has this folder on its path. Written to cost the peers as little as it can:
columns that no tree sees are not touched, and features are derived in numpy, after the one pass through pandas.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

NUMBERS = ["CreditScore", "Age", "Balance", "NumOfProducts", "IsActiveMember"]
TEXTS = ["Geography", "Gender"]
GERMANY = 1  # the columns of the encoder are sorted: France, Germany, Spain


def derive(encoded: Any) -> Any:
    """Numbers and one-hot columns [N, 10] with the project's features between them, float32 [N, 14]."""
    numbers, hot = encoded[:, : len(NUMBERS)], encoded[:, len(NUMBERS) :]
    _, age, balance, products, active = numbers.T
    has_balance = balance > 0
    derived = (has_balance, 10 * products + has_balance, age * (1 - active), 10 * hot[:, GERMANY] + products)
    return np.column_stack([numbers, *derived, hot]).astype(np.float32)


def build(params: dict[str, Any]) -> Pipeline:
    """The pipeline, not fitted. One thread: for single rows more of them only wait for one another."""
    encoder = ColumnTransformer(
        [
            ("numbers", "passthrough", NUMBERS),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
        ]
    )
    model = LGBMClassifier(**params, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1)
    return Pipeline([("encode", encoder), ("derive", FunctionTransformer(derive)), ("model", model)])
