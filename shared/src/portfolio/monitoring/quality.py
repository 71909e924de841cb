"""Data quality of each field, beside the reference: missing, out of range, never seen.

What the request class forbids never gets this far, because the API refuses it. So a range is that of the reference's
sample, and out of it is what the model never met in its test rows, though it may be allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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
    manifest, alarms = live.scorer.manifest, FALSE_ALARMS / (2 * len(traffic.frame))
    found = []
    for name, values in traffic.frame.items():
        missing = float(manifest.reference[name]["missing"])
        before = _Before(live.sample.frame[name], missing, manifest.test_rows)
        found.append(_field(name, values, before, alarms))
    return tuple(found)


class _Before(NamedTuple):
    """A sample of the reference's values, and the share of all its rows that are missing."""

    known: np.ndarray[Any, Any]
    missing: float
    rows: int


def _field(name: str, values: np.ndarray[Any, Any], before: _Before, alarms: float) -> Quality:
    missing, strange = is_missing(values), _strange(values, before.known)
    ends = 2, len(before.known) + 1  # of a sample, as many of the rows to come are beyond
    rose = _rose(missing, (round(before.missing * before.rows), before.rows), alarms) or _rose(strange, ends, alarms)
    share, text = float(strange.mean()), values.dtype == object
    return Quality(
        feature=name,
        missing=float(missing.mean()),
        missing_reference=before.missing,
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


def _rose(rows: np.ndarray[Any, np.dtype[np.bool_]], before: tuple[int, int], alarms: float) -> bool:
    """Whether a share is larger by RISE than so many of so many rows before, and by more than chance (Fisher 1935).

    The rows before are a sample too: the two are pooled, and dealt to sides of the same sizes.
    """
    from scipy.stats import hypergeom

    had, of = before
    if rows.mean() < had / of + RISE:
        return False
    now = int(rows.sum())
    return bool(hypergeom.sf(now - 1, of + len(rows), had + now, len(rows)) < alarms)
