"""Performance without labels: confidence-based performance estimation, for models that answer with a probability.

CBPE (NannyML, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html): where probabilities
are calibrated, each row's label is known in distribution, and so is every metric. It follows a change of the inputs; a
change of what follows from them (concept drift) it can't see, which is why nothing is decided by it alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from portfolio.bundle.scorer import sigmoid
from portfolio.measures import METRICS, Estimate, Predictions, Reading, Vector
from portfolio.monitoring.live import Live

ESTIMATED = ("roc_auc", "f1", "brier")
MOST = 10_000
"""Rows that are estimated from, the newest."""
DRAWS = 200
STEPS = 25


def estimate(live: Live, margins: Vector) -> Reading:
    """Metrics that raw scores [N] can be expected to have; of an amount none: it waits for labels."""
    if live.kind != "binary":
        return {}
    newest = margins[-MOST:]
    known = live.scorer.answers(live.sample.scores), live.sample.truth
    return expect(live.scorer.answers(newest), live.predictions(newest), known)


def expect(log_odds: Vector, predicted: Predictions, known: tuple[Vector, Vector]) -> Reading:
    """Metrics with 95 % bands of calibrated log-odds [N] and what they were answered with.

    The value is the metric of the rows counted twice, as a positive with the weight p and as a negative with 1 - p.
    The band holds two errors: labels are drawn from p, and p is off by as much as a recalibration (Platt 1999) of the
    `known` log-odds and labels [M], test rows of the bundle, changes when these are drawn anew.
    """
    with np.errstate(invalid="ignore", divide="ignore"):  # labels of one outcome have no AUC
        value = _expected(sigmoid(log_odds), predicted)
        drawn = _drawn(log_odds, predicted, known)
    defined = drawn[np.isfinite(drawn).all(axis=1)]
    if not len(defined):
        return {}
    low, high = np.quantile(defined, [0.025, 0.975], axis=0)
    return {name: Estimate(value[name], float(a), float(b)) for name, a, b in zip(ESTIMATED, low, high, strict=True)}


def _expected(probability: Vector, predicted: Predictions) -> dict[str, float]:
    rows = np.tile(np.arange(len(probability)), 2)
    truth = np.repeat([1.0, 0.0], len(probability))
    weights = np.concatenate([probability, 1 - probability])
    return {name: METRICS["binary"][name](truth, predicted[rows], weights) for name in ESTIMATED}


def _drawn(log_odds: Vector, predicted: Predictions, known: tuple[Vector, Vector]) -> Any:
    """Metrics [DRAWS, 3] of labels that were drawn from probabilities of a calibration that was drawn."""
    random, (scores, truth) = np.random.default_rng(0), known
    best, ones = recalibration(scores, truth), np.ones(len(log_odds))
    drawn = []
    for _ in range(DRAWS):
        rows = random.integers(0, len(scores), len(scores))
        shift, stretch = recalibration(scores[rows], truth[rows]) - best
        labels = (random.random(len(log_odds)) < sigmoid(shift + (1 + stretch) * log_odds)).astype(np.float64)
        drawn.append([METRICS["binary"][name](labels, predicted, ones) for name in ESTIMATED])
    return np.array(drawn)


def recalibration(log_odds: Vector, truth: Vector) -> Vector:
    """Intercept and slope [2] of the logistic regression of truth on log-odds [M], by Newton's method.

    A little weight on (0, 1), where nothing changes, keeps it finite where a few rows are told apart without error.
    """
    rows, found, none = np.stack([np.ones(len(log_odds)), log_odds], axis=1), np.array([0.0, 1.0]), np.array([0.0, 1.0])
    for _ in range(STEPS):
        p = sigmoid(rows @ found)
        slope = rows.T @ (truth - p) - (found - none)
        step = np.linalg.solve((rows * (p * (1 - p))[:, None]).T @ rows + np.eye(2), slope)
        found = found + step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(found)
