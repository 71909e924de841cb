"""Drawing the target: classes from cross-fitted probabilities, numbers as a prediction plus a real row's residual."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from portfolio.twin.columns import COMMON, Cells, Floats, Known, decimals_of
from portfolio.twin.recipe import TargetModel

FOLDS = 5
NEIGHBOURS = 200  # real rows of similar score that may lend a synthetic row their residual
HEAP_REACH = 0.02  # a number moves at most this share of itself to a common value


def draw_class(target: pd.Series, known: Known, rng: np.random.Generator, model: TargetModel) -> Cells:
    """A class per synthetic row, by chance; the target may not have blanks."""
    seed = int(rng.integers(2**31 - 1))
    levels, codes = np.unique(target.to_numpy(), return_inverse=True)
    _, chance = _cross_fit(codes, known, True, seed, model)
    passed = rng.random((len(chance), 1)) > np.cumsum(chance, axis=1)[:, :-1]
    labels: Cells = levels[passed.sum(axis=1)]
    return labels


def draw_number(target: pd.Series, known: Known, rng: np.random.Generator, model: TargetModel) -> Floats:
    """A number per synthetic row, within the range of the real ones; the target may not have blanks."""
    seed = int(rng.integers(2**31 - 1))
    truth = target.to_numpy(dtype=float)
    held_out, score = _cross_fit(truth, known, False, seed, model)
    return _heaped(score + _neighbour_residuals(truth, held_out, score, rng), truth, rng)


def _cross_fit(
    truth: NDArray[np.generic], known: Known, classes: bool, seed: int, model: TargetModel
) -> tuple[Floats, Floats]:
    """Out-of-fold scores of the real rows, and the mean score the folds' models give the synthetic rows."""
    real_x, twin_x = known
    splitter = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    rows, held_out, scores = [], [], []
    for train, test in splitter.split(real_x, truth if classes else None):
        fitted = _boosted_trees(classes, seed, model).fit(real_x[train], truth[train])
        score = fitted.predict_proba if classes else fitted.predict
        rows.append(test)
        held_out.append(score(real_x[test]))
        scores.append(score(twin_x))
    back = np.argsort(np.concatenate(rows))
    return np.concatenate(held_out)[back], np.mean(scores, axis=0)


def _boosted_trees(classes: bool, seed: int, model: TargetModel) -> LGBMClassifier | LGBMRegressor:
    """One thread and a fixed seed: the same table gives the same twin."""
    return (LGBMClassifier if classes else LGBMRegressor)(
        n_estimators=model.trees,
        learning_rate=model.learning_rate,
        num_leaves=model.leaves,
        random_state=seed,
        n_jobs=1,
        verbose=-1,
        deterministic=True,
        force_row_wise=True,
    )


def _neighbour_residuals(truth: Floats, held_out: Floats, score: Floats, rng: np.random.Generator) -> Floats:
    """The out-of-fold error of a real row with about the same score, drawn at random."""
    order = np.argsort(held_out, kind="stable")
    half = NEIGHBOURS // 2
    at = np.searchsorted(held_out[order], score) + rng.integers(-half, half, len(score), endpoint=True)
    residuals: Floats = (truth - held_out)[order][np.clip(at, 0, len(order) - 1)]
    return residuals


def _heaped(values: Floats, truth: Floats, rng: np.random.Generator) -> Floats:
    """Replace each value by a common real one close by (asking prices heap at 4995), if there is any."""
    whole: Floats = np.round(np.clip(values, truth.min(), truth.max()), decimals_of(truth)).astype(float)
    _, inverse, counts = np.unique(truth, return_inverse=True, return_counts=True)
    often = np.sort(truth[counts[inverse] >= COMMON])
    if len(often) == 0:
        return whole
    reach = HEAP_REACH * np.abs(whole)
    low, high = np.searchsorted(often, whole - reach), np.searchsorted(often, whole + reach, side="right")
    pick = low + (rng.random(len(whole)) * (high - low)).astype(np.int64)
    return np.where(high > low, often[np.minimum(pick, len(often) - 1)], whole)
