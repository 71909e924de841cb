"""Parity: the exported graph against the fitted model, on the rows where exports go wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from portfolio.bundle import Parity, open_session
from portfolio.bundle.scorer import run
from portfolio.data.frames import Arrays
from portfolio.errors import BundleError
from portfolio.training.encoder import Encoder
from portfolio.training.models import Model, TreeModel
from portfolio.training.problem import Problem

ROWS = 2000
TOLERANCE = 5e-5
"""Of the raw score: a graph sums its trees in float32, which is about 1e-5 off after some hundred of them."""


def check_parity(graph: bytes, model: Model, problem: Problem) -> Parity:
    """Score train rows, missing cells, unseen texts and rows next to thresholds both ways; raise where they differ."""
    session = open_session(graph)
    differences: dict[str, float] = {}
    kinds: dict[str, int] = {}
    for kind, arrays in _rows(model, problem):
        fitted = model.score(problem.encoder.encode(arrays))
        differences[kind] = float(np.abs(run(session, arrays, "score")[:, 0] - fitted).max())
        kinds[kind] = len(arrays)
    parity = Parity(
        rows=sum(kinds.values()),
        kinds=kinds,
        largest_difference=max(differences.values()),
        tolerance=TOLERANCE,
    )
    if not parity.passed:
        raise BundleError(f"The exported graph differs from the fitted model: {differences}, allowed {TOLERANCE}.")
    return parity


def _rows(model: Model, problem: Problem) -> Iterator[tuple[str, Arrays]]:
    random = np.random.default_rng(problem.config.seed)
    rows = problem.train.arrays[random.integers(0, len(problem.train), ROWS)]
    yield "train rows", rows
    numeric, categorical = rows.numeric.copy(), rows.categorical.copy()
    numeric[random.random(numeric.shape) < 0.3] = np.nan
    categorical[random.random(categorical.shape) < 0.3] = ""
    yield "missing cells", Arrays(numeric, categorical)
    categorical = rows.categorical.copy()
    categorical[random.random(categorical.shape) < 0.3] = "never seen in training"
    yield "unseen texts", Arrays(rows.numeric, categorical)
    if isinstance(model, TreeModel):
        yield "next to thresholds", _next_to_thresholds(model, problem.encoder, rows, random)


def _next_to_thresholds(model: TreeModel, encoder: Encoder, rows: Arrays, random: np.random.Generator) -> Arrays:
    table = model.booster.trees_to_dataframe().dropna(subset=["split_feature"])
    position = {name: i for i, name in enumerate(model.booster.feature_name())}
    splits = [
        (position[name], value)
        for name, value in zip(table["split_feature"], table["threshold"].astype(float), strict=True)
        if position[name] < len(encoder.layout.numeric) and abs(value) < float(np.finfo(np.float32).max)
    ]
    if not splits:
        return rows
    chosen = [splits[i] for i in random.integers(0, len(splits), len(rows))]
    numeric = rows.numeric.copy()
    for row, (column, value) in enumerate(chosen):
        at = np.float32(value)
        around = (np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf)))
        numeric[row, column] = around[row % 3]
    return Arrays(numeric, rows.categorical)
