"""Gains are paired by split, and a gain is only called better when its interval says so."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from portfolio.training.repeated import gains


def test_a_gain_is_the_mean_of_paired_differences_with_students_interval() -> None:
    ours, theirs = [0.80, 0.85, 0.90], [0.78, 0.84, 0.87]
    (gain,) = gains([({"roc_auc": a}, {"roc_auc": b}) for a, b in zip(ours, theirs, strict=True)])
    plain = stats.ttest_rel(ours, theirs).confidence_interval()
    wider = ((1 / 3 + 0.2 / 0.8) / (1 / 3)) ** 0.5  # Nadeau and Bengio's, for splits that share their rows
    assert (gain.mean, gain.beside, gain.gain) == pytest.approx((0.85, 0.83, 0.02))
    assert (gain.high - gain.low) == pytest.approx(wider * (plain.high - plain.low))
    assert (gain.high + gain.low) / 2 == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("metric", "ours", "better"),
    [
        ("roc_auc", [0.9, 0.91, 0.92], True),
        ("roc_auc", [0.9, 0.5, 0.95], False),  # more on the average, but not surely
        ("brier", [0.05, 0.06, 0.07], True),
        ("brier", [0.9, 0.91, 0.92], False),
    ],
)
def test_better_is_said_only_of_a_sure_gain_in_the_metrics_own_direction(
    metric: str, ours: list[float], better: bool
) -> None:
    theirs = [0.7, 0.71, 0.73]
    (gain,) = gains([({metric: a}, {metric: b}) for a, b in zip(ours, theirs, strict=True)])
    assert gain.better is better


def test_what_the_defaults_do_not_have_has_no_gain() -> None:
    (gain,) = gains([({"coverage": 0.8}, {}), ({"coverage": 0.81}, {})])
    assert gain.mean == pytest.approx(0.805)
    assert math.isnan(gain.gain)
    assert not gain.better
