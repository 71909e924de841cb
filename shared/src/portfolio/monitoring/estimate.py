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
"""Rows that are estimated from, evenly spread."""
DRAWS = 200
STEPS = 25
PRECISE = 1e-8
NONE = np.array([0.0, 1.0])
"""The recalibration that changes nothing: intercept and slope."""
ELLIPSE = 5.99
"""The 95 % quantile of chi-squared with two degrees of freedom."""


def estimate(live: Live, margins: Vector) -> Reading:
    """Metrics that raw scores [N] can be expected to have; of an amount none: it waits for labels."""
    if live.kind != "binary":
        return {}
    margins = margins[:: -(-len(margins) // MOST)]
    known = live.scorer.answers(live.sample.scores), live.sample.truth
    return expect(live.scorer.answers(margins), live.predictions(margins), known)


def expect(log_odds: Vector, predicted: Predictions, known: tuple[Vector, Vector]) -> Reading:
    """Metrics with 95 % bands of log-odds [N] and what they were answered with.

    The value is the metric of the rows counted twice, as a positive with the weight p and as a negative with 1 - p.
    The band holds two errors: labels are drawn from p, and p is off by as much as a recalibration (Platt 1999) of the
    `known` log-odds and labels [M], test rows of the bundle, changes when these are drawn anew. Where the known rows
    show beyond that error that the log-odds are not calibrated, p is the recalibrated one.
    """
    best, drawn = _recalibrations(known)
    if not _differs(best, drawn):
        best, drawn = NONE, drawn - best + NONE
    with np.errstate(invalid="ignore", divide="ignore"):  # labels of one outcome have no AUC
        value = _expected(sigmoid(best[0] + best[1] * log_odds), predicted)
        readings = _drawn(log_odds, predicted, drawn)
    defined = readings[np.isfinite(readings).all(axis=1)]
    if not len(defined):
        return {}
    low, high = np.quantile(defined, [0.025, 0.975], axis=0)
    return {name: Estimate(value[name], float(a), float(b)) for name, a, b in zip(ESTIMATED, low, high, strict=True)}


def _recalibrations(known: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
    """The recalibration [2] of the known rows, and those of their bootstraps [DRAWS, 2]."""
    random, (log_odds, truth) = np.random.default_rng(0), known
    draws = (random.integers(0, len(truth), len(truth)) for _ in range(DRAWS))
    return recalibration(log_odds, truth), np.array([recalibration(log_odds[rows], truth[rows]) for rows in draws])


def _differs(best: Vector, drawn: Vector) -> bool:
    """Whether none at all, (0, 1), is outside of the 95 % ellipse of the bootstraps around the best."""
    apart, spread = NONE - best, np.cov(drawn, rowvar=False) + 1e-12 * np.eye(2)
    return bool(apart @ np.linalg.solve(spread, apart) > ELLIPSE)


def _expected(probability: Vector, predicted: Predictions) -> dict[str, float]:
    rows = np.tile(np.arange(len(probability)), 2)
    truth = np.repeat([1.0, 0.0], len(probability))
    weights = np.concatenate([probability, 1 - probability])
    return {name: METRICS["binary"][name](truth, predicted[rows], weights) for name in ESTIMATED}


def _drawn(log_odds: Vector, predicted: Predictions, calibrations: Vector) -> Any:
    """Metrics [DRAWS, 3] of labels drawn from the probabilities of each of the calibrations."""
    random, ones = np.random.default_rng(1), np.ones(len(log_odds))
    found = []
    for shift, stretch in calibrations:
        labels = (random.random(len(log_odds)) < sigmoid(shift + stretch * log_odds)).astype(np.float64)
        found.append([METRICS["binary"][name](labels, predicted, ones) for name in ESTIMATED])
    return np.array(found)


def recalibration(log_odds: Vector, truth: Vector) -> Vector:
    """Intercept and slope [2] of the logistic regression of truth on log-odds [M], by Newton's method.

    A step is halved until the loss falls: a whole one overshoots where log-odds are far too large. A little weight on
    (0, 1), where nothing changes, keeps it finite where a few rows are told apart without error.
    """
    rows, found = np.stack([np.ones(len(log_odds)), log_odds], axis=1), NONE
    loss = _loss(rows, truth, found)
    for _ in range(STEPS):
        p = sigmoid(rows @ found)
        slope = rows.T @ (truth - p) - (found - NONE)
        step = np.linalg.solve((rows * (p * (1 - p))[:, None]).T @ rows + np.eye(2), slope)
        while (after := _loss(rows, truth, found + step)) > loss and np.abs(step).max() > PRECISE:
            step = step / 2
        found, loss = found + step, min(after, loss)
        if np.abs(step).max() <= PRECISE:
            break
    return np.asarray(found)


def _loss(rows: Vector, truth: Vector, found: Vector) -> float:
    margins = rows @ found
    return float((np.logaddexp(0, margins) - truth * margins).sum() + ((found - NONE) ** 2).sum() / 2)
