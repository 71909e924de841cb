"""A fitted candidate measured on the test part: readings with intervals, slices, baselines, curves, importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from portfolio.bundle import Calibration, Interval
from portfolio.data.rules import Mask
from portfolio.measures import Predictions, Reading, evaluate
from portfolio.spec import Binary, ModelSpec
from portfolio.training.baselines import defaults, dummy
from portfolio.training.calibrate import calibrate, interval, threshold
from portfolio.training.models import Model, Vector
from portfolio.training.problem import Part, Problem, predictions
from portfolio.training.search import Candidate

SLICE_ROWS = 50
SLICE_RESAMPLES = 200


@dataclass(frozen=True)
class Fitted:
    """The winner, refit on the whole training part, with what turns its scores into answers."""

    candidate: Candidate
    model: Model
    calibration: Calibration
    threshold: float | None
    interval: Interval | None

    def predict(self, problem: Problem, scores: Vector) -> Predictions:
        """Raw scores [N] as predictions."""
        answers = self.calibration.apply(scores)
        return predictions(problem.task, answers, threshold=self.threshold, interval=self.interval)


@dataclass(frozen=True)
class Evaluation:
    """Readings of `model`, `dummy` and `defaults` on the same test rows, and of the model by slice with its rows."""

    predicted: Predictions
    metrics: dict[str, Reading]
    slices: dict[str, dict[str, Reading]]
    slice_sizes: dict[str, dict[str, int]]


def refit(problem: Problem, candidate: Candidate) -> Fitted:
    """Calibration, threshold and interval from out-of-fold scores; the model from all training rows."""
    calibration = calibrate(problem.task, problem.learned, candidate.scores)
    answers = calibration.apply(candidate.scores)
    return Fitted(
        candidate=candidate,
        model=candidate.fit(problem.encoded, problem.learned),
        calibration=calibration,
        threshold=threshold(problem.task, answers) if isinstance(problem.task, Binary) else None,
        interval=None if isinstance(problem.task, Binary) else interval(problem.task, problem.learned, answers),
    )


def measure(spec: ModelSpec, problem: Problem, fitted: Fitted) -> Evaluation:
    """Measure on the test part, which nothing so far has seen."""
    test = problem.test
    predicted = fitted.predict(problem, fitted.model.score(problem.encoder.encode(test.arrays)))
    beside = {"model": predicted, "dummy": dummy(problem), "defaults": defaults(problem)}
    config = problem.config
    parts = {field: _parts(spec, test, field) for field in spec.slices}

    def read(rows: Mask) -> Reading:
        shown, groups = predicted[rows], test.groups[rows]
        return evaluate(spec.task.kind, test.truth[rows], shown, groups, resamples=SLICE_RESAMPLES, seed=config.seed)

    return Evaluation(
        predicted=predicted,
        metrics={
            name: evaluate(spec.task.kind, test.truth, shown, test.groups, resamples=config.bootstrap, seed=config.seed)
            for name, shown in beside.items()
        },
        slices={field: {value: read(rows) for value, rows in each.items()} for field, each in parts.items()},
        slice_sizes={field: {value: int(rows.sum()) for value, rows in each.items()} for field, each in parts.items()},
    )


def slice_rows(spec: ModelSpec, test: Part) -> dict[str, Mask]:
    """The test rows [N] of each slice that is large enough to tell a figure of, by `field=value`."""
    return {f"{field}={value}": rows for field in spec.slices for value, rows in _parts(spec, test, field).items()}


def _parts(spec: ModelSpec, test: Part, field: str) -> dict[str, Mask]:
    masks = {str(value) or "(missing)": test.frame[field] == value for value in sorted(set(test.frame[field].tolist()))}
    return {value: rows for value, rows in masks.items() if _tells(spec, test, rows)}


def _tells(spec: ModelSpec, test: Part, rows: Mask) -> bool:
    """A figure from a handful of rows misleads more than a missing one."""
    return bool(rows.sum() >= SLICE_ROWS and (spec.task.kind != "binary" or len(set(test.truth[rows])) == 2))


def curves(kind: str, truth: Vector, predicted: Predictions) -> dict[str, Any]:
    """Points for charts: ROC, precision-recall and calibration, or residuals against the prediction."""
    if kind == "binary":
        return _binary_curves(truth, predicted.value)
    edges = np.quantile(predicted.value, np.linspace(0, 1, 21))
    bins = np.clip(np.searchsorted(edges, predicted.value, side="right") - 1, 0, 19)
    errors = predicted.value / truth - 1
    quantiles = [np.quantile(errors[bins == b], [0.1, 0.25, 0.5, 0.75, 0.9]).tolist() for b in range(20)]
    centers = [float(np.median(predicted.value[bins == b])) for b in range(20)]
    return {
        "residuals": {"predicted": centers, "relative_error_quantiles": quantiles, "quantiles": [10, 25, 50, 75, 90]}
    }


def _binary_curves(truth: Vector, probability: Vector) -> dict[str, Any]:
    order = np.argsort(-probability, kind="stable")
    found, shown = np.cumsum(truth[order]), np.arange(1, len(truth) + 1)
    points = np.unique(np.linspace(0, len(truth) - 1, 200).astype(int))
    recall = found / found[-1]
    false_alarms = (shown - found) / (len(truth) - found[-1])
    bins = np.array_split(np.argsort(probability, kind="stable"), 10)
    return {
        "roc": {"false_positive_rate": false_alarms[points].tolist(), "true_positive_rate": recall[points].tolist()},
        "precision_recall": {"recall": recall[points].tolist(), "precision": (found / shown)[points].tolist()},
        "calibration": {
            "predicted": [float(probability[rows].mean()) for rows in bins],
            "observed": [float(truth[rows].mean()) for rows in bins],
        },
    }
