"""What a candidate is measured beside: a dummy, and LightGBM with its defaults on the untouched request fields."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from portfolio.bundle.scorer import sigmoid
from portfolio.measures import Predictions
from portfolio.spec import Binary, Frame
from portfolio.training.fit import by_fold
from portfolio.training.models import Vector
from portfolio.training.problem import Problem

DEFAULTS = {"random_state": 42, "n_jobs": 1, "verbose": -1, "deterministic": True, "force_row_wise": True}


def dummy(problem: Problem) -> Predictions:
    """The training part's base rate (always the more frequent class), or its median amount, for every test row."""
    count = len(problem.test)
    if isinstance(problem.task, Binary):
        rate = float(problem.train.truth.mean())
        return Predictions(np.full(count, rate), decision=np.full(count, float(rate >= 0.5)))
    return Predictions(np.full(count, float(np.median(problem.train.truth))))


def defaults(problem: Problem) -> Predictions:
    """LightGBM as it comes: its own categorical columns, no logarithm, threshold from its own out-of-fold scores."""
    train, test = _tables(problem.train.frame, problem.test.frame)
    if not isinstance(problem.task, Binary):
        return Predictions(_fit(lgb.LGBMRegressor, train, problem.train.truth).predict(test))
    truth = problem.train.truth
    scores = by_fold(
        problem,
        lambda held: _margin(_fit(lgb.LGBMClassifier, train[~held], truth[~held]), train[held]),
    )
    cut = _best_f1(truth, sigmoid(scores))
    probability = sigmoid(_margin(_fit(lgb.LGBMClassifier, train, truth), test))
    return Predictions(probability, decision=(probability >= cut).astype(np.float64))


def _best_f1(truth: Vector, probability: Vector) -> float:
    """The usual way: the cut that is best on these rows."""
    order = np.argsort(-probability, kind="stable")
    found, shown = np.cumsum(truth[order]), np.arange(1, len(truth) + 1)
    return float(probability[order][np.argmax(2 * found / (shown + found[-1]))])


def _fit(kind: Any, table: pd.DataFrame, truth: Vector) -> Any:
    return kind(**DEFAULTS).fit(table, truth)


def _margin(model: Any, table: pd.DataFrame) -> Vector:
    return np.asarray(model.predict(table, raw_score=True), dtype=np.float64)


def _tables(train: Frame, test: Frame) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = pd.DataFrame(train), pd.DataFrame(test)
    for name, values in train.items():
        if values.dtype == object:
            kinds = pd.CategoricalDtype(sorted(set(values) - {""}))
            for table in tables:
                table[name] = table[name].astype(kinds)
    return tables
