"""From out-of-fold scores to the answer: calibration knots, decision threshold, prediction interval."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from portfolio.bundle import Calibration, Interval
from portfolio.bundle.scorer import sigmoid
from portfolio.spec import Binary, Regression, Task
from portfolio.training.models import Vector


def calibrate(task: Task, learned: Vector, scores: Vector) -> Calibration:
    """Knots that turn raw scores [N] into log-odds (Platt 1999), or take the median error off log amounts.

    Two knots: with a few thousand rows more of them follow noise, and scores keep their order either way.
    """
    if isinstance(task, Regression):
        shift = float(np.median(learned - scores))
        return Calibration(x=(0.0, 1.0), y=(shift, 1.0 + shift))
    fitted = LogisticRegression(C=np.inf).fit(scores[:, None], learned)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:  # the scores rank no better than chance; a decreasing map would only hide that
        return Calibration.identity()
    return Calibration(x=(0.0, 1.0), y=(intercept, intercept + slope))


def threshold(task: Binary, truth: Vector, answers: Vector) -> float:
    """The probability from which on the decision is 1: the highest F1, or the lowest stated cost, on these rows."""
    probability = sigmoid(answers)
    order = np.argsort(-probability, kind="stable")
    found = np.cumsum(truth[order])
    shown = np.arange(1, len(truth) + 1)
    positives = found[-1]
    if task.threshold == "f1":
        gain = 2 * found / (shown + positives)
    else:
        gain = -((shown - found) + task.threshold * (positives - found))
    # a cut lies between two different probabilities, never inside a tie
    gain[:-1][np.diff(probability[order]) == 0] = -np.inf
    best = int(np.argmax(gain))
    below = probability[order][min(best + 1, len(order) - 1)]
    return float((probability[order][best] + below) / 2)


def interval(task: Regression, learned: Vector, answers: Vector) -> Interval:
    """Split conformal on the learned scale (Papadopoulos 2002; Lei et al. 2018), one quantile a side.

    The quantiles of the out-of-fold residuals, with the finite-sample step (n + 1) / n outwards.
    """
    residuals = np.sort(learned - answers)
    count, tail = len(residuals), (1 - task.coverage) / 2
    steps = int(np.floor((count + 1) * tail))
    low, high = residuals[max(steps - 1, 0)], residuals[min(count - steps, count - 1)]
    return Interval(coverage=task.coverage, low=float(low), high=float(high))
