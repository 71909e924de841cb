"""The reference profile: how each column and the score were distributed on rows the model never trained on; PSI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from portfolio.spec import Frame, is_missing

BINS = 10
TOP_TEXTS = 30
EMPTY_BIN = 0.5
"""Rows that every bin is given on top: a bin that only one side has would make the logarithm infinite."""
DEALS = 20_000
"""Of rows to two sides by chance: enough for one alarm in a thousand."""

Counts = np.ndarray[Any, np.dtype[np.int64]]


def profile(frame: Frame) -> dict[str, dict[str, Any]]:
    """Per column its share of missing rows and its distribution, frozen so that later traffic meets the same bins.

    Numbers: `edges` (inner quantile edges, ascending) and `counts` of the len(edges) + 1 bins, each open below and
    closed above. Texts: `texts` and their `counts`, the most frequent first; the rest is counted in `other`.
    """
    return {name: _texts(values) if values.dtype == object else _numbers(values) for name, values in frame.items()}


def reference_counts(column: Mapping[str, Any], rows: int) -> Counts:
    """Rows per bin [B] of a column of the profile that was made from `rows` rows.

    The last bin holds a number's missing values, or a text's values outside `texts`.
    """
    counts = column["counts"]
    return np.array([*counts, rows - sum(counts) if column["kind"] == "number" else column["other"]])


def current_counts(column: Mapping[str, Any], values: np.ndarray[Any, Any]) -> Counts:
    """Rows per bin [B] of later values [N] in the bins of `reference_counts`."""
    if column["kind"] == "text":
        place = {text: bin for bin, text in enumerate(column["texts"])}
        bins = np.array([place.get(value, len(place)) for value in values.tolist()], dtype=np.int64)
        return np.bincount(bins, minlength=len(place) + 1)
    edges = column["edges"]
    bins = np.where(is_missing(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(bins, minlength=len(edges) + 2)


def bin_labels(column: Mapping[str, Any]) -> list[str]:
    """What the bins of `reference_counts` hold, for people [B]."""
    if column["kind"] == "text":
        return [text or "(missing)" for text in column["texts"]] + ["(other)"]
    edges = [f"{edge:.4g}" for edge in column["edges"]]
    if not edges:
        return ["all", "(missing)"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"to {edges[0]}", *between, f"above {edges[-1]}", "(missing)"]


def psi(reference: Counts, current: Counts) -> float:
    """Population stability index of two distributions over the same bins [B], in nats; 0 where they are alike.

    It is the Jeffreys divergence of the shares; bins that are empty on both sides do not count.
    """
    used = (reference + current) > 0
    return float(_psi(reference[used], current[used]))


def psi_by_chance(reference: Counts, current: Counts, *, alarms: float) -> float:
    """The PSI that rows of these numbers out of one distribution exceed with probability `alarms`, at the most.

    A permutation test: all rows are pooled and dealt out anew to the two sides, DEALS times, always the same ones.
    Chi-squared with B - 1 degrees of freedom times 1/n + 1/m (Yurdakul, Naranjo 2020, Statistical properties of the
    population stability index) is near it where every bin is well filled, and too low where some are not. Infinite
    where one side has no rows.
    """
    pooled = reference + current
    pooled = pooled[pooled > 0]
    if not (reference.any() and current.any()):
        return float("inf")
    dealt = np.random.default_rng(0).multivariate_hypergeometric(
        pooled, int(current.sum()), size=DEALS, method="marginals"
    )
    beyond = max(int(alarms * (DEALS + 1)), 1)  # so many deals are as far apart, the real one counted
    return float(np.partition(_psi(pooled - dealt, dealt), -beyond)[-beyond])


def _psi(reference: Counts, current: Counts) -> Any:
    before, now = (_shares(side) for side in (reference, current))
    return ((now - before) * np.log(now / before)).sum(axis=-1)


def _shares(counts: Counts) -> np.ndarray[Any, np.dtype[np.float64]]:
    padded = counts + EMPTY_BIN
    return np.asarray(padded / padded.sum(axis=-1, keepdims=True))


def _numbers(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    missing = is_missing(values)
    present = values[~missing]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])) if len(present) else np.array([])
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    return {"kind": "number", "missing": float(missing.mean()), "edges": edges.tolist(), "counts": counts.tolist()}


def _texts(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    top = Counter(values.tolist()).most_common(TOP_TEXTS)
    shown = sum(count for _, count in top)
    return {
        "kind": "text",
        "missing": float(is_missing(values).mean()),
        "texts": [text for text, _ in top],
        "counts": [count for _, count in top],
        "other": len(values) - shown,
    }
