"""Metrics of predictions on rows that were not trained on, with bootstrap intervals.

All metrics take row weights, because a bootstrap resample is nothing else: how often each row was drawn. Rows of one
group (a car advertised twice) are drawn together, so that repeats don't make the intervals look narrower than they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float64]]
Metric = Callable[[Vector, "Predictions", Vector], float]
ECE_BINS = 10


@dataclass(frozen=True)
class Predictions:
    """N predictions: `value` is a probability or an amount; `decision` 0/1; `low`, `high` the prediction interval."""

    value: Vector
    decision: Vector | None = None
    low: Vector | None = None
    high: Vector | None = None

    def __getitem__(self, rows: Any) -> Predictions:
        columns = (self.value, self.decision, self.low, self.high)
        return Predictions(*(None if column is None else column[rows] for column in columns))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Estimate:
    """A metric's value and its 95 % interval."""

    value: float
    low: float
    high: float


Reading = dict[str, Estimate]
"""Metric name → estimate."""


def roc_auc(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Probability that a positive row scores above a negative one, ties counting half."""
    order = np.argsort(predicted.value, kind="stable")
    score, positive = predicted.value[order], (weights * truth)[order]
    negative = weights[order] - positive
    ends = np.flatnonzero(np.append(np.diff(score) > 0, True))
    below = np.concatenate([[0.0], np.cumsum(negative)[ends]])
    won = np.diff(np.concatenate([[0.0], np.cumsum(positive)[ends]])) * (below[:-1] + below[1:]) / 2
    return float(won.sum() / (positive.sum() * negative.sum()))


def average_precision(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Area under the precision-recall steps."""
    order = np.argsort(-predicted.value, kind="stable")
    score, hits = predicted.value[order], (weights * truth)[order]
    ends = np.flatnonzero(np.append(np.diff(score) < 0, True))
    found, shown = np.cumsum(hits)[ends], np.cumsum(weights[order])[ends]
    precision = np.divide(found, shown, out=np.zeros_like(found), where=shown > 0)
    return float((np.diff(np.concatenate([[0.0], found])) * precision).sum() / hits.sum())


def f1(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Harmonic mean of precision and recall at the stored threshold; 0 where nothing was found; NaN undecided."""
    if predicted.decision is None:
        return float("nan")
    found = float((weights * truth * predicted.decision).sum())
    return float(2 * found / (weights * (truth + predicted.decision)).sum())


def brier(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Mean squared error of the probability."""
    return _mean((predicted.value - truth) ** 2, weights)


def log_loss(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Mean negative log-likelihood in nats."""
    p = np.clip(predicted.value, 1e-15, 1 - 1e-15)
    return _mean(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)), weights)


def ece(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Expected calibration error over ten bins of equal width (Naeini, Cooper, Hauskrecht 2015)."""
    bins = np.minimum((predicted.value * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, weights * (predicted.value - truth), ECE_BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def mae(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Mean absolute error in the target's unit."""
    return _mean(np.abs(predicted.value - truth), weights)


def mape(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Mean absolute error as a share of the truth."""
    return _mean(np.abs(predicted.value / truth - 1), weights)


def median_ape(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Median absolute error as a share of the truth (lower median of the weighted rows)."""
    errors = np.abs(predicted.value / truth - 1)
    order = np.argsort(errors)
    reached = np.cumsum(weights[order])
    return float(errors[order][np.searchsorted(reached, reached[-1] / 2)])


def rmse(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Root of the mean squared error, in the target's unit."""
    return float(_mean((predicted.value - truth) ** 2, weights) ** 0.5)


def r2(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Share of the truth's variance that is explained."""
    spread = _mean((truth - _mean(truth, weights)) ** 2, weights)
    return 1 - _mean((predicted.value - truth) ** 2, weights) / spread


def coverage(truth: Vector, predicted: Predictions, weights: Vector) -> float:
    """Share of truths inside the prediction interval; NaN where there is none."""
    if predicted.low is None or predicted.high is None:
        return float("nan")
    return _mean(((predicted.low <= truth) & (truth <= predicted.high)).astype(np.float64), weights)


METRICS: dict[str, dict[str, Metric]] = {
    "binary": {m.__name__: m for m in (roc_auc, average_precision, f1, brier, log_loss, ece)},
    "regression": {m.__name__: m for m in (mae, mape, median_ape, rmse, r2, coverage)},
}
HIGHER_IS_BETTER = frozenset({"roc_auc", "average_precision", "f1", "r2", "coverage"})


def values(kind: str, truth: Vector, predicted: Predictions) -> dict[str, float]:
    """Every metric of the task kind that applies: no coverage without an interval, no F1 without decisions."""
    ones = np.ones(len(truth))
    measured = {name: metric(truth, predicted, ones) for name, metric in METRICS[kind].items()}
    return {name: value for name, value in measured.items() if not np.isnan(value)}


def evaluate(
    kind: str,
    truth: Vector,
    predicted: Predictions,
    groups: np.ndarray[Any, np.dtype[np.int64]],
    *,
    resamples: int,
    seed: int,
) -> Reading:
    """Every metric of the task kind, with percentile intervals from `resamples` bootstrap draws of whole groups.

    truth [N]; groups [N] are integers.
    """
    measured = values(kind, truth, predicted)
    metrics = [METRICS[kind][name] for name in measured]
    drawn = [[metric(truth, predicted, w) for metric in metrics] for w in resample(groups, resamples, seed=seed)]
    low, high = np.nanquantile(np.array(drawn), [0.025, 0.975], axis=0)
    return {name: Estimate(v, float(a), float(b)) for (name, v), a, b in zip(measured.items(), low, high, strict=True)}


def paired_difference(
    metric: Metric,
    truth: Vector,
    candidate: Predictions,
    champion: Predictions,
    groups: np.ndarray[Any, np.dtype[np.int64]],
    *,
    resamples: int,
    seed: int,
) -> Estimate:
    """Candidate − champion on the same rows, both seeing the same resamples."""
    difference = partial(_difference, metric, truth, candidate, champion)
    drawn = [difference(weights) for weights in resample(groups, resamples, seed=seed)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])  # a resample with one outcome only has no AUC
    return Estimate(difference(np.ones(len(truth))), float(low), float(high))


def resample(groups: np.ndarray[Any, np.dtype[np.int64]], count: int, *, seed: int) -> Iterator[Vector]:
    """`count` vectors of row weights [N]: how often each row's group was drawn, with replacement."""
    random = np.random.default_rng(seed)
    names, member = np.unique(groups, return_inverse=True)
    for _ in range(count):
        drawn = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))
        yield drawn[member].astype(np.float64)


def _difference(metric: Metric, truth: Vector, candidate: Predictions, champion: Predictions, weights: Vector) -> float:
    return metric(truth, candidate, weights) - metric(truth, champion, weights)


def _mean(values: Vector, weights: Vector) -> float:
    return float((values * weights).sum() / weights.sum())
