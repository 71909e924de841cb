"""Metrics agree with scikit-learn, intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from portfolio.measures import METRICS, Predictions, evaluate, paired_difference, resample, roc_auc, values


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def binary(random: np.random.Generator, count: int = 400) -> tuple[np.ndarray, Predictions, np.ndarray]:
    truth = (random.random(count) < 0.3).astype(float)
    probability = np.round(np.clip(0.3 + 0.3 * truth + random.normal(0, 0.25, count), 0.01, 0.99), 2)  # with ties
    return (
        truth,
        Predictions(probability, decision=(probability >= 0.5).astype(float)),
        random.integers(0, 4, count) * 1.0,
    )


def test_binary_metrics_are_scikit_learns_with_and_without_weights(random: np.random.Generator) -> None:
    truth, predicted, weights = binary(random)
    p = predicted.value
    for w in (np.ones(len(truth)), weights):
        expected = {
            "roc_auc": reference.roc_auc_score(truth, p, sample_weight=w),
            "average_precision": reference.average_precision_score(truth, p, sample_weight=w),
            "f1": reference.f1_score(truth, predicted.decision, sample_weight=w),
            "brier": reference.brier_score_loss(truth, p, sample_weight=w),
            "log_loss": reference.log_loss(truth, p, sample_weight=w),
        }
        measured = {name: METRICS["binary"][name](truth, predicted, w) for name in expected}
        assert measured == pytest.approx(expected)


def test_regression_metrics_are_scikit_learns(random: np.random.Generator) -> None:
    truth = random.lognormal(9, 1, 500)
    predicted = Predictions(truth * random.lognormal(0, 0.3, 500))
    weights = random.integers(0, 4, 500) * 1.0
    expected = {
        "mae": reference.mean_absolute_error(truth, predicted.value, sample_weight=weights),
        "mape": reference.mean_absolute_percentage_error(truth, predicted.value, sample_weight=weights),
        "rmse": reference.root_mean_squared_error(truth, predicted.value, sample_weight=weights),
        "r2": reference.r2_score(truth, predicted.value, sample_weight=weights),
    }
    assert {name: METRICS["regression"][name](truth, predicted, weights) for name in expected} == pytest.approx(
        expected
    )


def test_median_ape_counts_a_row_as_often_as_it_was_drawn() -> None:
    truth, predicted = np.ones(3), Predictions(np.array([1.1, 1.2, 1.9]))
    assert METRICS["regression"]["median_ape"](truth, predicted, np.array([1.0, 1.0, 5.0])) == pytest.approx(0.9)


def test_ece_is_the_weighted_gap_between_promise_and_outcome() -> None:
    truth = np.array([1.0, 0.0, 0.0, 0.0])
    predicted = Predictions(np.array([0.15, 0.15, 0.85, 0.85]))
    assert METRICS["binary"]["ece"](truth, predicted, np.ones(4)) == pytest.approx((0.35 + 0.85) / 2)


def test_coverage_is_left_out_where_there_is_no_interval() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert "coverage" not in values("regression", truth, Predictions(truth + 1))
    covered = Predictions(truth, low=truth - 1, high=truth + np.array([1, 1, -0.5]))
    assert values("regression", truth, covered)["coverage"] == pytest.approx(2 / 3)


def test_the_interval_holds_the_value_and_narrows_with_more_rows(random: np.random.Generator) -> None:
    widths = []
    for count in (400, 6400):
        truth, predicted, _ = binary(random, count)
        reading = evaluate("binary", truth, predicted, np.arange(count), resamples=200, seed=1)
        assert all(e.low <= e.value <= e.high for e in reading.values() if e is not reading["ece"])
        widths.append(reading["roc_auc"].high - reading["roc_auc"].low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.array([5, 5, 9, 7])
    for weights in resample(groups, 50, seed=3):
        assert weights[0] == weights[1]
    assert {tuple(w) for w in resample(groups, 50, seed=3)} == {tuple(w) for w in resample(groups, 50, seed=3)}


def test_repeated_rows_do_not_narrow_the_interval(random: np.random.Generator) -> None:
    truth, predicted, _ = binary(random, 200)
    twice = np.repeat(np.arange(200), 2)
    once = evaluate("binary", truth, predicted, np.arange(200), resamples=300, seed=1)["brier"]
    doubled = evaluate("binary", truth[twice], predicted[twice], twice, resamples=300, seed=1)["brier"]
    assert doubled.high - doubled.low == pytest.approx(once.high - once.low, rel=0.01)


def test_a_paired_difference_is_far_tighter_than_either_metric(random: np.random.Generator) -> None:
    truth, predicted, _ = binary(random)
    better = Predictions(np.clip(predicted.value + 0.01 * (truth - 0.5), 0, 1))
    groups = np.arange(len(truth))
    gain = paired_difference(roc_auc, truth, better, predicted, groups, resamples=300, seed=1)
    single = evaluate("binary", truth, better, groups, resamples=300, seed=1)["roc_auc"]
    assert gain.low > 0
    assert gain.high - gain.low < (single.high - single.low) / 5
