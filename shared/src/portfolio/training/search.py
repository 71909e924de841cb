"""Choosing a model by its out-of-fold loss: a linear one, and LightGBM under an Optuna search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from portfolio.bundle.scorer import sigmoid
from portfolio.measures import Predictions, log_loss
from portfolio.settings import Budget, TreeSearch
from portfolio.spec import Binary, Task
from portfolio.training.calibrate import calibrate
from portfolio.training.fit import Fit, linear_fit, out_of_fold, tree_fit
from portfolio.training.models import Vector
from portfolio.training.problem import Problem

Progress = Callable[[str, int, int], None]
"""Called with (what is tried, how many are done, how many there will be)."""


@dataclass(frozen=True)
class Candidate:
    """A way to fit a model, with its out-of-fold raw scores [N] and their loss (lower is better)."""

    family: str
    params: dict[str, Any]
    fit: Fit
    scores: Vector
    loss: float


@dataclass(frozen=True)
class Search:
    """All candidates in the order they were tried. `braked`: time ended the search before its budget did."""

    candidates: tuple[Candidate, ...]
    braked: bool

    @property
    def winner(self) -> Candidate:
        """The lowest out-of-fold loss."""
        return min(self.candidates, key=lambda candidate: candidate.loss)


def search(problem: Problem, budget: Budget, progress: Progress) -> Search:
    """Try the linear candidate, then LightGBM: the known good parameters first, then what Optuna proposes.

    Serial and seeded, so the same rows and budget give the same candidates, unless the brake ends it early.
    """
    seed, imbalance, space = problem.config.seed, problem.config.imbalance, problem.config.trees
    started = time.monotonic()
    tried = [_try(problem, "linear", {}, linear_fit(problem.task, seed=seed, imbalance=imbalance))]
    progress("linear", 0, budget.trials)
    study = _study(space, seed)
    for trial in range(budget.trials):
        if trial and time.monotonic() - started > budget.seconds:
            return Search(tuple(tried), braked=True)
        asked = study.ask(_distributions(space))
        params = space.fixed | asked.params
        tried.append(_try(problem, "lightgbm", params, tree_fit(problem.task, params, seed=seed, imbalance=imbalance)))
        study.tell(asked, tried[-1].loss)
        progress("lightgbm", trial + 1, budget.trials)
    return Search(tuple(tried), braked=False)


def loss_of(task: Task, learned: Vector, scores: Vector) -> float:
    """What the search minimises: log loss once calibrated (so that resampling costs nothing), or the log's MAE."""
    answers = calibrate(task, learned, scores).apply(scores)
    if isinstance(task, Binary):
        return log_loss(learned, Predictions(sigmoid(answers)), np.ones(len(learned)))
    return float(np.abs(answers - learned).mean())


def _try(problem: Problem, family: str, params: dict[str, Any], fit: Fit) -> Candidate:
    scores = out_of_fold(fit, problem)
    return Candidate(family, params, fit, scores, loss_of(problem.task, problem.learned, scores))


def _study(space: TreeSearch, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=5))
    if space.first:
        study.enqueue_trial(space.first)
    return study


def _distributions(space: TreeSearch) -> dict[str, optuna.distributions.BaseDistribution]:
    return {
        name: optuna.distributions.IntDistribution(bounds.low, bounds.high, log=bounds.log)
        if isinstance(bounds.low, int) and isinstance(bounds.high, int)
        else optuna.distributions.FloatDistribution(bounds.low, bounds.high, log=bounds.log)
        for name, bounds in space.space.items()
    }
