"""A training run on a toy: rows that trees can follow, a short search, no registry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from toys import orders, project

from portfolio.settings import Budget, Config, Range, Settings, TrainingConfig, TreeSearch
from portfolio.spec import ModelSpec
from portfolio.training.flow import Order, Trained, train

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TREES = TreeSearch(
    first={"n_estimators": 30, "num_leaves": 8, "learning_rate": 0.1},
    space={"num_leaves": Range(low=4, high=16), "learning_rate": Range(low=0.05, high=0.3, log=True)},
)
OFFLINE = Settings(mlflow_tracking_uri="")
BUDGETS = {"full": (3, 60), "quick": (1, 60), "demo": (3, 1e-9)}
CONFIG = Config(
    port=8101,
    training=TrainingConfig(
        folds=3,
        bootstrap=100,
        trees=TREES,
        budgets={effort: Budget(trials=trials, seconds=seconds) for effort, (trials, seconds) in BUDGETS.items()},
    ),
)


def table(count: int = 1500, seed: int = 3) -> pd.DataFrame:
    rows = pd.DataFrame(orders(count, seed=seed))
    random = np.random.default_rng(seed)
    # a valley, which trees can follow and a line can't
    score = (rows["pieces"] - 5).abs() + rows["weight"].fillna(1) / 4 + (rows["note"] == "express") * 2 - 4
    late = (random.random(count) < 1 / (1 + np.exp(-2 * score))).astype(int)
    return rows.assign(late=late, cost=np.round(10 * np.exp(score / 4 + random.normal(0, 0.2, count)), 2))


def with_rows(spec: ModelSpec, folder: Path) -> ModelSpec:
    placed = project(spec, folder)
    (placed.root / "data" / "raw").mkdir(parents=True)
    table().to_csv(placed.root / "data" / "raw" / "orders.csv", index=False)
    return placed


def run(spec: ModelSpec, order: Order | None = None, progress: Callable[..., None] = lambda *_: None) -> Trained:
    return train(spec, order or Order(now=NOW, effort="quick"), CONFIG, OFFLINE, progress)
