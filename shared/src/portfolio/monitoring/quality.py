"""Data quality of each field, beside the reference: missing, out of range, never seen.

What the request class forbids never gets this far, because the API refuses it. So a range is that of the reference's
sample, and out of it is what the model never met in its test rows, though it may be allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from portfolio.monitoring.live import Live
from portfolio.monitoring.traffic import Traffic
from portfolio.spec import is_missing

RISE = 0.05
"""A share that is so much larger than in the reference is watched, where chance would not do it."""
FALSE_ALARMS = 0.01
"""Probability of any alarm where nothing changed, over all fields together (Bonferroni)."""


@dataclass(frozen=True)
class Quality:
    """Shares of a field's rows: missing now and before, outside of the reference's range, and texts not seen there."""

    feature: str
    missing: float
    missing_reference: float
    out_of_range: float
    unseen: float
    state: Literal["ok", "watch"]


def check_quality(live: Live, traffic: Traffic) -> tuple[Quality, ...]:
    """One finding a field of the request."""
    reference, alarms = live.scorer.manifest.reference, FALSE_ALARMS / (2 * len(traffic.frame))
    return tuple(
        _field(name, values, (live.sample.frame[name], float(reference[name]["missing"])), alarms)
        for name, values in traffic.frame.items()
    )


def _field(name: str, values: np.ndarray[Any, Any], before: tuple[Any, float], alarms: float) -> Quality:
    known, missing_reference = before
    missing, strange = is_missing(values), _strange(values, known)
    rose = _rose(missing, missing_reference, alarms) or _rose(strange, 2 / (len(known) + 1), alarms)
    share, text = float(strange.mean()), values.dtype == object
    return Quality(
        feature=name,
        missing=float(missing.mean()),
        missing_reference=missing_reference,
        out_of_range=0.0 if text else share,
        unseen=share if text else 0.0,
        state="watch" if rose else "ok",
    )


def _strange(values: np.ndarray[Any, Any], known: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows [N] that are there and not like any of the reference."""
    present = known[~is_missing(known)]
    if values.dtype == object:
        seen = frozenset(present.tolist())
        return np.array([bool(value) and value not in seen for value in values.tolist()])
    if not len(present):
        return ~is_missing(values)
    with np.errstate(invalid="ignore"):  # a missing number is neither
        return np.asarray((values < present.min()) | (values > present.max()))


def _rose(rows: np.ndarray[Any, np.dtype[np.bool_]], expected: float, alarms: float) -> bool:
    """Whether a share is larger than expected by RISE, and by more than as many rows would show by chance."""
    from scipy.stats import binom

    if rows.mean() < expected + RISE:
        return False
    return bool(binom.sf(rows.sum() - 1, len(rows), expected) < alarms)
