"""Drawing one column: values from a tree's leaves, rare numbers blended with a neighbour, blanks by a second tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

Floats = NDArray[np.float64]
Cells = NDArray[np.object_] | Floats
Known = tuple[Floats, Floats]
"""The columns drawn so far as numbers: those of the real rows, those of the synthetic rows."""

MIN_LEAF = 20  # a value is always drawn from at least this many real rows
COMMON = 10  # a number seen this often belongs to nobody and may be repeated as it is
FEW_LEVELS = 30  # a numeric column with so few different values is drawn without blending


@dataclass(frozen=True)
class LeafPool:
    """Real values sorted by leaf; a number also knows the neighbour it may be blended with."""

    values: Cells
    partners: Floats | None
    leaves: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    decimals: int

    def draw(self, leaf: NDArray[np.int64], rng: np.random.Generator) -> Cells:
        """One value per row from the leaf it fell into; numbers land between two neighbours."""
        at = np.searchsorted(self.leaves, leaf)
        pick = self.starts[at] + (rng.random(len(leaf)) * self.sizes[at]).astype(np.int64)
        if self.partners is None:
            return self.values[pick]
        low, high = self.values[pick], self.partners[pick]
        return np.round(low + rng.random(len(leaf)) * (high - low), self.decimals)


def is_number(column: pd.Series) -> bool:
    """True for a numeric column, false for text."""
    return bool(pd.api.types.is_numeric_dtype(column))


def plain(column: pd.Series) -> pd.Series:
    """A column as float64 or as text objects, blanks as NaN."""
    return column.astype("Float64").astype(float) if is_number(column) else column.astype(object).where(column.notna())


def draw_alone(column: pd.Series, rows: int, rng: np.random.Generator) -> Cells:
    """Values of a column that depends on no other."""
    return draw_column(plain(column), (np.zeros((len(column), 1)), np.zeros((rows, 1))), rng)


def draw_column(column: pd.Series, known: Known, rng: np.random.Generator) -> Cells:
    """Values of a plain column for every synthetic row, given the columns already drawn."""
    blank = column.isna().to_numpy()
    real_x, twin_x = known
    if blank.all():
        return np.full(len(twin_x), np.nan)
    limits = {"min_samples_leaf": MIN_LEAF, "random_state": int(rng.integers(2**31 - 1))}
    tree = (DecisionTreeRegressor if is_number(column) else DecisionTreeClassifier)(**limits)
    tree.fit(real_x[~blank], column[~blank])
    drawn = _leaf_pool(column[~blank], tree.apply(real_x[~blank])).draw(tree.apply(twin_x), rng)
    if blank.any():
        chance = DecisionTreeClassifier(**limits).fit(real_x, blank).predict_proba(twin_x)[:, 1]
        drawn[rng.random(len(twin_x)) < chance] = np.nan
    return drawn


def decimals_of(values: Floats) -> int:
    """The decimals a column is written with (0 for whole numbers)."""
    return next((n for n in range(6) if np.allclose(values, np.round(values, n), rtol=0, atol=1e-7)), 6)


def _leaf_pool(column: pd.Series, leaf: NDArray[np.int64]) -> LeafPool:
    number = is_number(column)
    values = column.to_numpy()
    order = np.lexsort((values, leaf)) if number else np.argsort(leaf, kind="stable")
    leaves, starts, sizes = np.unique(leaf[order], return_index=True, return_counts=True)
    partners = _partners(values[order], leaf[order]) if number else None
    return LeafPool(values[order], partners, leaves, starts, sizes, decimals_of(values) if number else 0)


def _partners(values: Floats, leaf: NDArray[np.int64]) -> Floats:
    """For each value the next rare one of its leaf; a common value (0, 150000) is its own partner."""
    levels, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    partners = values.copy()
    rare = np.flatnonzero(counts[inverse] < COMMON)
    if len(levels) <= FEW_LEVELS or len(rare) < 2:
        return partners
    after, before = np.roll(rare, -1), np.roll(rare, 1)
    near = np.where(leaf[after] == leaf[rare], values[after], values[before])
    alone = (leaf[after] != leaf[rare]) & (leaf[before] != leaf[rare])
    # the only rare value of its leaf is blended with the next rare value of the whole column
    rest = np.unique(values[rare])
    beside = rest[np.minimum(np.searchsorted(rest, values[rare]) + 1, len(rest) - 1)]
    partners[rare] = np.where(alone, beside, near)
    return partners
