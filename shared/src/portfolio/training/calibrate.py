"""From out-of-fold scores to the answer: calibration knots, decision threshold, prediction interval."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from portfolio.bundle import Calibration, Interval
from portfolio.bundle.scorer import sigmoid
from portfolio.spec import Binary, Regression, Task
from portfolio.training.models import Vector

BINS = 5


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


def threshold(task: Binary, answers: Vector) -> float:
    """The probability from which on the decision is 1, from calibrated log-odds [N] alone.

    A stated cost c has its threshold at 1 / (1 + c). For F1 it is the cut with the highest expected F1 (Lipton, Elkan,
    Naryanaswamy 2014, arXiv:1402.1892), because the cut that was best on the out-of-fold labels follows their noise.
    """
    if task.threshold != "f1":
        return 1 / (1 + task.threshold)
    probability = np.sort(sigmoid(answers))[::-1]
    expected = 2 * np.cumsum(probability) / (np.arange(1, len(probability) + 1) + probability.sum())
    best = int(np.argmax(expected))
    return float((probability[best] + probability[min(best + 1, len(probability) - 1)]) / 2)


def interval(task: Regression, learned: Vector, answers: Vector) -> Interval:
    """Split conformal on the learned scale (Papadopoulos 2002; Lei et al. 2018), by fifths of the answer (Vovk 2003).

    One pair of residual quantiles for all would cover too few of the cheapest cars and too many of the dearest. Between
    the fifths' medians the widths are interpolated, so that no price jumps.
    """
    edges = np.quantile(answers, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, answers)
    ends = [_quantiles(np.sort((learned - answers)[bins == b]), (1 - task.coverage) / 2) for b in range(BINS)]
    return Interval(
        coverage=task.coverage,
        at=tuple(float(np.median(answers[bins == b])) for b in range(BINS)),
        low=tuple(low for low, _ in ends),
        high=tuple(high for _, high in ends),
    )


def _quantiles(residuals: Vector, tail: float) -> tuple[float, float]:
    """Ascending residuals' `tail` and 1 − `tail` quantiles, one finite-sample step outwards."""
    count = len(residuals)
    steps = int(np.floor((count + 1) * tail))
    return float(residuals[max(steps - 1, 0)]), float(residuals[min(count - steps, count - 1)])
