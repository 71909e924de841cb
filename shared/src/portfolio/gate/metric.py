"""Metrics of candidate and champion on the evidence, with better always upwards."""

from __future__ import annotations

import numpy as np

from portfolio.gate.verdict import Evidence
from portfolio.measures import HIGHER_IS_BETTER, METRICS, Predictions, paired_difference


def measure(metric: str, evidence: Evidence, predicted: Predictions) -> float | None:
    """The metric on all rows; None where the task kind has no such metric or it can't be had from these rows."""
    function = METRICS[evidence.kind].get(metric)
    if function is None or not len(evidence.truth):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is told as what it is: not measured
        value = function(evidence.truth, predicted, np.ones(len(evidence.truth)))
    return value if np.isfinite(value) else None


def gain(metric: str, before: float, after: float) -> float:
    """How much better `after` is, positive for better whichever way the metric points."""
    return after - before if metric in HIGHER_IS_BETTER else before - after


def least_gain(metric: str, evidence: Evidence, champion: Predictions) -> float:
    """Lower end of the 95 % interval of the gain, from paired resamples of whole groups of rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = paired_difference(
            METRICS[evidence.kind][metric],
            evidence.truth,
            evidence.candidate,
            champion,
            evidence.groups,
            resamples=evidence.resamples,
            seed=evidence.seed,
        )
    return difference.low if metric in HIGHER_IS_BETTER else -difference.high
