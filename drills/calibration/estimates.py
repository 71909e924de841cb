"""Performance estimated without labels, beside what the labels say, under changes of who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from drills.calibration.held import Held
from portfolio.bundle.scorer import sigmoid
from portfolio.measures import METRICS, Vector, roc_auc
from portfolio.monitoring.estimate import ESTIMATED, expect
from portfolio.spec import Frame

LABEL_DRAWS = 100
Preference = Callable[[Frame], Vector]
"""The logarithm of how likely a row is to be drawn [N]."""


@dataclass(frozen=True)
class Window:
    """One window: how far each estimate was off, whether its band held, and the AUC error that labels alone make."""

    error: dict[str, float]
    held: dict[str, bool]
    by_labels: float


@dataclass(frozen=True)
class Estimates:
    """Windows under one change."""

    project: str
    change: str
    rows: int
    windows: tuple[Window, ...]

    def error(self, metric: str) -> float:
        """Mean absolute error."""
        return float(np.mean([each.error[metric] for each in self.windows]))

    def held(self, metric: str) -> float:
        """Share of the bands that held the real value."""
        return float(np.mean([each.held[metric] for each in self.windows]))

    @property
    def by_labels(self) -> float:
        """Mean absolute error of the AUC that a perfect estimate has, because labels are drawn."""
        return float(np.mean([each.by_labels for each in self.windows]))

    @property
    def beyond_labels(self) -> float:
        """What is left of the AUC error. Independent errors add up in squares, so more is left than the difference."""
        return float(max(self.error("roc_auc") ** 2 - self.by_labels**2, 0) ** 0.5)


def towards(column: str, strength: float = 1.0) -> Preference:
    """Rows with large values: e times as likely a standard deviation."""
    return lambda frame: strength * (frame[column] - frame[column].mean()) / frame[column].std()


def mostly(column: str, text: str, times: float) -> Preference:
    """Rows with that text: so many times as likely."""
    return lambda frame: np.log(times) * (frame[column] == text)


def compare(models: Sequence[Held], change: str, preference: Preference, *, rows: int, windows: int) -> Estimates:
    """Draw windows of the pool without replacement, by preference (Gumbel top-k), and estimate each."""
    random = np.random.default_rng(0)
    found = [_window(models[number % len(models)], preference, rows, random) for number in range(windows)]
    return Estimates(models[0].spec.name, change, rows, tuple(found))


def _window(model: Held, preference: Preference, rows: int, random: np.random.Generator) -> Window:
    keys = preference(model.pool) + random.gumbel(size=len(model.truth))
    drawn = np.argsort(-keys)[:rows]
    scores, test = model.score(model.pool)[drawn], model.problem.test
    predicted, truth = model.fitted.predict(model.problem, scores), model.truth[drawn]
    known = model.fitted.calibration.apply(model.score(test.frame)), test.truth
    log_odds, ones = model.fitted.calibration.apply(scores), np.ones(rows)
    estimated = expect(log_odds, predicted, known)
    real = {name: METRICS["binary"][name](truth, predicted, ones) for name in ESTIMATED}
    labels = [(random.random(rows) < sigmoid(log_odds)).astype(np.float64) for _ in range(LABEL_DRAWS)]
    drawn_auc = np.array([roc_auc(each, predicted, ones) for each in labels])
    return Window(
        error={name: abs(real[name] - each.value) for name, each in estimated.items()},
        held={name: each.low <= real[name] <= each.high for name, each in estimated.items()},
        by_labels=float(np.abs(drawn_auc - drawn_auc.mean()).mean()),
    )


def table(found: Sequence[Estimates]) -> Iterator[tuple[str, ...]]:
    """Rows to show."""
    for each in found:
        errors = (f"{part:.4f}" for part in (each.error("roc_auc"), each.by_labels, each.beyond_labels))
        held = (f"{each.held(metric):.0%}" for metric in ESTIMATED)
        yield (each.project, each.change, f"{each.rows:,}", str(len(each.windows)), *errors, *held)
