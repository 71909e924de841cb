"""Fitting one model of each family, and scoring the training part out of fold."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm as lgb
import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import RandomUnderSampler
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from portfolio.data.rules import Mask
from portfolio.settings import Imbalance
from portfolio.spec import Binary, Task
from portfolio.training.encoder import Matrix
from portfolio.training.models import LinearModel, Model, TreeModel, Vector
from portfolio.training.problem import Problem

Fit = Callable[[Matrix, Vector], Model]

REPEATABLE = {"verbose": -1, "deterministic": True, "force_row_wise": True, "num_threads": 1}
"""One thread, because sums depend on their number; cores are used by fitting folds side by side instead, which is also
faster: on a busy machine LightGBM's threads wait for one another (bankchurn, 2 cores: up to 20 times longer)."""


def tree_fit(task: Task, params: Mapping[str, Any], *, seed: int, imbalance: Imbalance = "none") -> Fit:
    """A function that fits LightGBM gbdt with `params` on (encoded [N, width], learned target [N])."""
    objective = {"objective": "binary"} if isinstance(task, Binary) else {"objective": "regression"}
    settings = objective | REPEATABLE | {"seed": seed} | dict(params)
    rounds = int(settings.pop("n_estimators", 100))
    weighted = {"is_unbalance": True} if imbalance == "class_weight" else {}

    def fit(encoded: Matrix, learned: Vector) -> Model:
        sampled, targets = resampled(encoded, learned, imbalance, seed=seed)
        # a free matrix: bins are made once per fit, and the raw rows are not kept beside them
        return TreeModel(lgb.train(settings | weighted, lgb.Dataset(sampled, targets), num_boost_round=rounds))

    return fit


def linear_fit(task: Task, *, seed: int, imbalance: Imbalance = "none") -> Fit:
    """A function that fits logistic regression, or ridge regression of the logarithm, on standardised columns."""
    balance = "balanced" if imbalance == "class_weight" else None

    def fit(encoded: Matrix, learned: Vector) -> Model:
        sampled, targets = resampled(encoded, learned, imbalance, seed=seed)
        fill = _medians(sampled)
        filled = np.where(np.isnan(sampled), fill, sampled)
        scaler = StandardScaler().fit(filled)
        estimator = LogisticRegression(max_iter=2000, class_weight=balance) if isinstance(task, Binary) else Ridge(1.0)
        estimator.fit(scaler.transform(filled), targets)
        return LinearModel(
            fill=fill,
            center=scaler.mean_,
            scale=scaler.scale_,
            weights=np.ravel(estimator.coef_),
            intercept=float(np.ravel(estimator.intercept_)[0]),
        )

    return fit


def resampled(encoded: Matrix, learned: Vector, imbalance: Imbalance, *, seed: int) -> tuple[Matrix, Vector]:
    """Rows after over- or undersampling. SMOTE needs whole rows: it interpolates imputed copies, real rows keep NaN."""
    if imbalance == "undersample":
        kept, targets = RandomUnderSampler(random_state=seed).fit_resample(encoded, learned)
        return kept, targets
    if imbalance != "smote":
        return encoded, learned
    filled = np.where(np.isnan(encoded), _medians(encoded), encoded)
    more, targets = SMOTE(random_state=seed).fit_resample(filled, learned)
    return np.vstack([encoded, more[len(encoded) :]]).astype(np.float32), targets


def _medians(encoded: Matrix) -> Vector:
    """Per column; 0 where a column has no value at all."""
    return np.array([np.median(known) if (known := column[~np.isnan(column)]).size else 0.0 for column in encoded.T])


def out_of_fold(fit: Fit, problem: Problem) -> Vector:
    """Raw scores [N] of the training part, each from a model that saw no row of its group's fold."""

    def score(held: Mask) -> Vector:
        return fit(problem.encoded[~held], problem.learned[~held]).score(problem.encoded[held])

    return by_fold(problem, score)


def by_fold(problem: Problem, score: Callable[[Mask], Vector]) -> Vector:
    """Scores [N] put together from `score(held)` of every fold's mask [N], the folds side by side on all cores."""
    scores = np.empty(len(problem.learned))
    masks = [problem.folds == fold for fold in range(problem.config.folds)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # LightGBM and scikit-learn let go of the interpreter lock
        for held, held_scores in zip(masks, pool.map(score, masks), strict=True):
            scores[held] = held_scores
    return scores
