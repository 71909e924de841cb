"""Performance without labels: right where probabilities are, wide where they were learned from few rows."""

from __future__ import annotations

import numpy as np
import pytest

from portfolio.bundle.scorer import sigmoid
from portfolio.measures import METRICS, Predictions
from portfolio.monitoring.estimate import ESTIMATED, expect, recalibration

RNG = np.random.default_rng(4)


def rows(count: int, *, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray, Predictions]:
    """Log-odds that are true, labels drawn from them, and what is answered."""
    log_odds = RNG.normal(shift, 1.5, count)
    p = sigmoid(log_odds)
    return log_odds, (RNG.random(count) < p).astype(float), Predictions(p, decision=(p >= 0.5).astype(float))


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_calibrated_probabilities_tell_every_metric_whoever_asks(shift: float) -> None:
    known, held = rows(2000)[:2], 0
    for _ in range(20):
        log_odds, truth, predicted = rows(1000, shift=shift)
        found = expect(log_odds, predicted, known)
        for name, estimate in found.items():
            real = METRICS["binary"][name](truth, predicted, np.ones(1000))
            assert estimate.value == pytest.approx(real, abs=0.06)
            held += estimate.low <= real <= estimate.high
    assert held >= 54  # of 60


def test_a_band_is_wider_where_fewer_test_rows_are_known() -> None:
    log_odds, _, predicted = rows(5000)
    few, many = (expect(log_odds, predicted, rows(count)[:2])["roc_auc"] for count in (100, 5000))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_brier_is_the_mean_variance_of_the_labels() -> None:
    log_odds, _, predicted = rows(1000)
    p = sigmoid(log_odds)
    assert expect(log_odds, predicted, rows(500)[:2])["brier"].value == pytest.approx((p * (1 - p)).mean())


def test_where_only_one_label_is_possible_nothing_is_estimated() -> None:
    log_odds = np.full(3, -40.0)  # no label can be positive
    answered = Predictions(sigmoid(log_odds), decision=np.zeros(3))
    assert expect(log_odds, answered, rows(500)[:2]) == {}


def test_recalibration_finds_shift_and_stretch() -> None:
    log_odds = RNG.normal(0, 1.5, 50_000)
    truth = (RNG.random(50_000) < sigmoid(0.3 + 0.7 * log_odds)).astype(float)
    assert recalibration(log_odds, truth) == pytest.approx([0.3, 0.7], abs=0.04)


def test_recalibration_stays_finite_where_rows_are_told_apart_without_error() -> None:
    assert np.abs(recalibration(np.array([-1.0, -2.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0]))).max() < 10


@pytest.mark.parametrize("slope", [0.2, 0.4, 0.5, 0.77, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("spread", [1.5, 4.0])
def test_recalibration_finds_any_slope(slope: float, spread: float) -> None:
    log_odds = RNG.normal(0, spread, 20_000)
    truth = (RNG.random(20_000) < sigmoid(-0.5 + slope * log_odds)).astype(float)
    assert recalibration(log_odds, truth) == pytest.approx([-0.5, slope], abs=0.12)


@pytest.mark.parametrize("slope", [0.4, 0.5, 0.77, 1.3, 2.0])
def test_what_the_reference_shows_to_be_miscalibrated_is_recalibrated(slope: float) -> None:
    def overconfident(count: int) -> tuple[np.ndarray, np.ndarray, Predictions]:
        log_odds = RNG.normal(0, 2, count)
        p = sigmoid(log_odds)
        truth = (RNG.random(count) < sigmoid(slope * log_odds)).astype(float)
        return log_odds, truth, Predictions(p, decision=(p >= 0.5).astype(float))

    held = dict.fromkeys(ESTIMATED, 0)
    for _ in range(20):
        log_odds, truth, predicted = overconfident(1000)
        for name, estimate in expect(log_odds, predicted, overconfident(2000)[:2]).items():
            held[name] += estimate.low <= METRICS["binary"][name](truth, predicted, np.ones(1000)) <= estimate.high
    assert min(held.values()) >= 16, held  # of 20
