"""What turns a score into an answer is honest and keeps the scores' order."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from portfolio.bundle import Calibration
from portfolio.bundle.scorer import sigmoid
from portfolio.measures import Predictions, ece, f1
from portfolio.spec import Binary, Regression
from portfolio.training.calibrate import calibrate, interval, threshold

BINARY = Binary(target="y")
AMOUNT = Regression(target="y", unit="USD", within=(1, 10), coverage=0.8)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def test_overconfident_scores_are_brought_back(random: np.random.Generator) -> None:
    log_odds = random.normal(-1, 1.5, 20_000)
    truth = (random.random(20_000) < sigmoid(log_odds)).astype(float)
    scores = 2 * log_odds + 1
    ones = np.ones(len(truth))
    answers = calibrate(BINARY, truth, scores).apply(scores)
    assert ece(truth, Predictions(sigmoid(scores)), ones) > 0.05
    assert ece(truth, Predictions(sigmoid(answers)), ones) < 0.015
    assert (np.argsort(answers) == np.argsort(scores)).all()


def test_scores_that_rank_backwards_are_not_turned_around(random: np.random.Generator) -> None:
    truth = (random.random(500) < 0.5).astype(float)
    assert calibrate(BINARY, truth, -truth + random.normal(0, 0.1, 500)) == Calibration.identity()


def test_log_amounts_lose_their_median_error(random: np.random.Generator) -> None:
    learned = random.normal(9, 1, 1001)
    scores = learned + 0.3
    assert calibrate(AMOUNT, learned, scores).apply(scores) == pytest.approx(learned)


def test_knots_interpolate_and_go_on_beyond_the_ends() -> None:
    calibration = Calibration(x=(0.0, 1.0, 2.0), y=(0.0, 2.0, 3.0))
    assert calibration.apply(np.array([-1.0, 0.5, 1.5, 4.0])).tolist() == [-2.0, 1.0, 2.5, 5.0]


@pytest.mark.parametrize(("x", "y"), [((0.0,), (0.0,)), ((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 1.0))])
def test_knots_that_do_not_increase_are_refused(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Calibration(x=x, y=y)


def test_the_f1_threshold_is_as_good_as_the_best_cut_on_new_rows(random: np.random.Generator) -> None:
    answers = random.normal(-1, 1.5, 20_000)
    truth = (random.random(20_000) < sigmoid(answers)).astype(float)
    p = sigmoid(answers)

    def quality(cut: float) -> float:
        return f1(truth, Predictions(p, decision=(p >= cut).astype(float)), np.ones(len(p)))

    assert quality(threshold(BINARY, answers)) > max(quality(cut) for cut in np.linspace(0.05, 0.95, 91)) - 0.002


@pytest.mark.parametrize(("cost", "cut"), [(1.0, 0.5), (4.0, 0.2)])
def test_a_stated_cost_puts_the_threshold_where_it_pays(cost: float, cut: float) -> None:
    assert threshold(Binary(target="y", threshold=cost), np.array([0.0])) == pytest.approx(cut)


def test_the_interval_holds_its_share_of_new_rows_cheap_and_dear_alike(random: np.random.Generator) -> None:
    answers = random.uniform(7, 11, 8000)
    learned = answers + random.gumbel(0, 0.1 * (12 - answers))  # skewed, and far wider for the cheap
    low, high = interval(AMOUNT, learned[:4000], answers[:4000]).bounds(answers[4000:])
    truth = learned[4000:]
    held = (low <= truth) & (truth <= high)
    assert held.mean() == pytest.approx(0.8, abs=0.03)
    assert (truth < low).mean() == pytest.approx(0.1, abs=0.02)
    for side in (answers[4000:] < 8, answers[4000:] > 10):
        assert held[side].mean() == pytest.approx(0.8, abs=0.05)
