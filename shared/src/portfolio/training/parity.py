"""Parity: the exported graph against the fitted model, on the rows where exports go wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx

from portfolio.bundle import Parity, open_session
from portfolio.bundle.scorer import run
from portfolio.data.frames import Arrays
from portfolio.errors import BundleError
from portfolio.training.models import Model
from portfolio.training.problem import Problem

ROWS = 2000
TOLERANCE = 5e-5
"""Of the raw score: a graph sums its trees in float32, which is about 1e-5 off after some hundred of them."""


def check_parity(graph: bytes, model: Model, problem: Problem) -> Parity:
    """Score train rows, missing cells, unseen texts and rows next to thresholds both ways; raise where they differ."""
    session = open_session(graph)
    differences: dict[str, float] = {}
    kinds: dict[str, int] = {}
    for kind, arrays in _rows(graph, problem):
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


def _rows(graph: bytes, problem: Problem) -> Iterator[tuple[str, Arrays]]:
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
    splits = _splits(graph, len(problem.encoder.layout.numeric))
    if splits:
        yield "next to thresholds", _next_to(splits, rows, random)


def _splits(graph: bytes, columns: int) -> list[tuple[int, float]]:
    """(numeric column, threshold) of every split in the graph; one that is a float off shows on the rows beside it."""
    for node in onnx.load_from_string(graph).graph.node:
        if node.op_type == "TreeEnsembleRegressor":
            attributes = {attribute.name: attribute for attribute in node.attribute}
            features, values = attributes["nodes_featureids"].ints, attributes["nodes_values"].floats
            modes = attributes["nodes_modes"].strings
            return [(f, v) for f, v, m in zip(features, values, modes, strict=True) if m != b"LEAF" and f < columns]
    return []


def _next_to(splits: list[tuple[int, float]], rows: Arrays, random: np.random.Generator) -> Arrays:
    numeric = rows.numeric.copy()
    for row, chosen in enumerate(random.integers(0, len(splits), len(rows))):
        column, value = splits[chosen]
        towards = (np.float32(-np.inf), np.float32(value), np.float32(np.inf))[row % 3]
        with np.errstate(over="ignore"):  # "is it missing" is a split at the largest number
            numeric[row, column] = np.nextafter(np.float32(value), towards)
    numeric[np.isinf(numeric)] = np.finfo(np.float32).max
    return Arrays(numeric, rows.categorical)
