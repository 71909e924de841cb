"""What a candidate is measured beside: a dummy, and LightGBM with its defaults on the untouched request fields."""

from __future__ import annotations

import numpy as np

from portfolio.data.frames import take
from portfolio.data.rules import Mask
from portfolio.defaults import fit_defaults
from portfolio.measures import Predictions
from portfolio.spec import Binary
from portfolio.training.fit import by_fold
from portfolio.training.models import Vector
from portfolio.training.problem import Problem


def dummy(problem: Problem) -> Predictions:
    """The training part's base rate (always the more frequent class), or its median amount, for every test row."""
    count = len(problem.test)
    if isinstance(problem.task, Binary):
        rate = float(problem.train.truth.mean())
        return Predictions(np.full(count, rate), decision=np.full(count, float(rate >= 0.5)))
    return Predictions(np.full(count, float(np.median(problem.train.truth))))


def defaults(problem: Problem) -> Predictions:
    """LightGBM as it comes, with the threshold from its own out-of-fold scores."""
    task, train = problem.task, problem.train
    predicted = fit_defaults(task, train.frame, train.truth)(problem.test.frame)
    if not isinstance(task, Binary):
        return Predictions(predicted)

    def score(held: Mask) -> Vector:
        return fit_defaults(task, take(train.frame, ~held), train.truth[~held])(take(train.frame, held))

    cut = _best_f1(train.truth, by_fold(problem, score))
    return Predictions(predicted, decision=(predicted >= cut).astype(np.float64))


def _best_f1(truth: Vector, probability: Vector) -> float:
    """The usual way: the cut that is best on these rows."""
    order = np.argsort(-probability, kind="stable")
    found, shown = np.cumsum(truth[order]), np.arange(1, len(truth) + 1)
    return float(probability[order][np.argmax(2 * found / (shown + found[-1]))])
