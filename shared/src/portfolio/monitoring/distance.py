"""Two samples of one column beside each other: a test, and how far apart they are in the reference's own unit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from portfolio.monitoring.drift import Bins
from portfolio.spec import is_missing

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Distance:
    """`p_value` of a two-sample test (None where a side is empty), `wasserstein` of numbers in standard deviations.

    They are told, and not decided by: with many rows a test finds differences that matter to nobody.
    """

    test: Literal["ks", "chi2"]
    p_value: float | None
    wasserstein: float | None


def number_distance(before: Values, now: Values) -> Distance:
    """Kolmogorov-Smirnov and the earth mover's distance, of the values that are there."""
    from scipy.stats import ks_2samp, wasserstein_distance

    before, now = (values[~is_missing(values)] for values in (before, now))
    if not (len(before) and len(now)):
        return Distance("ks", None, None)
    unit = float(before.std()) or 1.0
    p_value = float(ks_2samp(before, now, method="asymp").pvalue)
    return Distance("ks", p_value, float(wasserstein_distance(before, now)) / unit)


def text_distance(bins: Bins, rows: tuple[int, int]) -> Distance:
    """Chi-squared of homogeneity over the reference's bins, of so many rows before and now."""
    from scipy.stats import chi2_contingency

    table = np.rint([np.array(bins.reference) * rows[0], np.array(bins.current) * rows[1]])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return Distance("chi2", None, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # bins that expect next to nothing
        return Distance("chi2", float(chi2_contingency(table, correction=False).pvalue), None)
