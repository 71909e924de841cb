"""The reference profile: how each column and the score were distributed on rows the model never trained on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from portfolio.spec import Frame, is_missing

BINS = 10
TOP_TEXTS = 30


def profile(frame: Frame) -> dict[str, dict[str, Any]]:
    """Per column its share of missing rows and its distribution, frozen so that later traffic meets the same bins.

    Numbers: `edges` (inner quantile edges, ascending) and `counts` of the len(edges) + 1 bins, each open below and
    closed above. Texts: `texts` and their `counts`, the most frequent first; the rest is counted in `other`.
    """
    return {name: _texts(values) if values.dtype == object else _numbers(values) for name, values in frame.items()}


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
