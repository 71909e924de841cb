"""Exact contributions: how each request field moved one answer, adding up to it on the answer's scale.

Trees: SHAP values of the path-dependent tree algorithm (Lundberg, Erion, Lee 2018, arXiv:1802.03888), as LightGBM
computes them. Linear models: weight times distance from the training mean, which is the same quantity there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from portfolio.bundle.booster import Booster
from portfolio.bundle.files import read_sealed
from portfolio.bundle.manifest import LinearTerms
from portfolio.bundle.scorer import Scorer
from portfolio.errors import BundleError
from portfolio.spec import Frame

BOOSTER = "booster.txt"
Matrix = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Contributions:
    """base + sum(fields) + calibration = answer, all in log-odds or log of the amount."""

    base: float
    fields: dict[str, float]
    calibration: float
    answer: float


def contributions(scorer: Scorer, frame: Frame) -> list[Contributions]:
    """One Contributions a request row. A feature made of several fields is shared out equally among them."""
    encoded = scorer.encoded(frame)
    parts = _linear_parts(scorer.manifest.linear, encoded) if scorer.manifest.linear else _tree_parts(scorer, encoded)
    margins = scorer.margins(frame)
    _check_sums(scorer, parts.sum(axis=1), margins)
    answers = scorer.answers(margins)
    return [_row(scorer, part, float(answer)) for part, answer in zip(parts, answers, strict=True)]


def _check_sums(scorer: Scorer, sums: Matrix, margins: np.ndarray[Any, Any]) -> None:
    """What is shown must be this model's: else whatever is wrong would pass for calibration."""
    difference = float((np.abs(sums - margins) / np.maximum(1, np.abs(margins))).max())
    if not difference <= scorer.manifest.parity.tolerance:
        raise BundleError(f"{scorer.directory}: contributions add up to {difference:.3g} beside the score.")


def _row(scorer: Scorer, part: np.ndarray[Any, Any], answer: float) -> Contributions:
    fields = {column.name: 0.0 for column in scorer.spec.request.COLUMNS}
    for feature, amount in zip(scorer.manifest.encoded, part[:-1].tolist(), strict=True):
        sources = scorer.manifest.attribution[feature]
        for name in sources:
            fields[name] += amount / len(sources)
    base = float(part[-1])
    # what calibration added, and the float32 graph's rounding
    rest = answer - base - sum(fields.values())
    return Contributions(base=base, fields=fields, calibration=rest, answer=answer)


def _tree_parts(scorer: Scorer, encoded: np.ndarray[Any, Any]) -> Matrix:
    return _booster(scorer.directory, scorer.manifest.files.get(BOOSTER)).contributions(encoded)


def _linear_parts(terms: LinearTerms, encoded: np.ndarray[Any, Any]) -> Matrix:
    filled = np.where(np.isnan(encoded), terms.fill, encoded)
    amounts = (filled - np.array(terms.center)) / np.array(terms.scale) * np.array(terms.weights)
    return np.column_stack([amounts, np.full(len(encoded), terms.intercept)])


@lru_cache(maxsize=2)
def _booster(directory: Path, digest: str | None) -> Booster:
    return Booster(read_sealed(directory, BOOSTER, digest))
