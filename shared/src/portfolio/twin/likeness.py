"""How near a twin is to the rows it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from portfolio.spec import Task
from portfolio.twin.columns import is_number
from portfolio.twin.recipe import TwinRecipe
from portfolio.twin.synthesis import copies, encode, level_orders
from portfolio.twin.tables import FileRows


@dataclass(frozen=True)
class Likeness:
    """How near a twin of `rows` rows is to the rows it was made from.

    `copies` counts rows equal to a real one in every synthesized column but the target, `marginal` is the largest
    distance between the distributions of a column, `correlation` the mean difference of the rank correlations.
    """

    rows: int
    copies: int
    marginal: float
    correlation: float


def likeness(task: Task, recipe: TwinRecipe, twin: FileRows, real: FileRows) -> Likeness:
    """Compare a twin with the rows it was made from: distributions in the request fields and the target."""
    features = recipe.features(list(real.raw.columns), task.target)
    made, known = (pd.DataFrame(rows.frame | {task.target: rows.target}) for rows in (twin, real))
    return Likeness(
        rows=len(twin),
        copies=int(copies(twin.raw, real.whole_file[features]).sum()),
        marginal=max(marginal_gap(known[name], made[name]) for name in known.columns),
        correlation=correlation_gap(known, made, task.target),
    )


def marginal_gap(real: pd.Series, twin: pd.Series) -> float:
    """Kolmogorov-Smirnov distance of a number, total variation of a text; blanks count as a value."""
    number = is_number(real)
    shares = [column.fillna(-np.inf if number else "").value_counts(normalize=True) for column in (real, twin)]
    gaps = shares[0].sub(shares[1], fill_value=0.0).sort_index()
    return float(gaps.cumsum().abs().max() if number else gaps.abs().sum() / 2)


def correlation_gap(real: pd.DataFrame, twin: pd.DataFrame, target: str) -> float:
    """Mean absolute difference of the pairwise rank correlations, text ranked by its mean target."""
    orders = level_orders(real, target)
    made, known = (pd.DataFrame(encode(rows, orders)).rank().corr().to_numpy() for rows in (twin, real))
    above = np.triu(np.ones_like(made, dtype=bool), k=1)
    return float(np.nanmean(np.abs(made - known)[above]))
