"""Sequential tree synthesis (Reiter 2005; Nowok, Raab, Dibben 2016): a table like the real one, without its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from portfolio.errors import DataError
from portfolio.spec import Binary, Task
from portfolio.twin.columns import Floats, draw_column, is_number, plain
from portfolio.twin.recipe import TargetModel
from portfolio.twin.target import draw_class, draw_number

Orders = dict[str, dict[str, int]]
SURPLUS = 2  # rows drawn for each one wanted, so that dropping copies still leaves enough


def synthesize(
    real: pd.DataFrame,
    task: Task,
    rows: int,
    rng: np.random.Generator,
    *,
    unlike: pd.DataFrame,
    model: TargetModel,
) -> pd.DataFrame:
    """Made-up rows with the real table's columns and types, none equal to a row of `unlike` in all its columns.

    Every column is drawn given those left of it, the target last and given all; the target may not have blanks.
    Raises DataError where too few rows are left without the copies.
    """
    known = real.apply(plain)
    orders = level_orders(known, task.target)
    features = [name for name in known.columns if name != task.target]
    drawn = pd.DataFrame(index=pd.RangeIndex(SURPLUS * rows))
    for at, name in enumerate(features):
        left = features[:at]
        drawn[name] = draw_column(known[name], (encode(known[left], orders), encode(drawn[left], orders)), rng)
    twin = _without_copies(drawn, unlike, rows)
    draw_target = draw_class if isinstance(task, Binary) else draw_number
    scores = encode(known[features], orders), encode(twin[features], orders)
    twin[task.target] = draw_target(known[task.target], scores, rng, model)
    return twin[list(real.columns)].astype(real.dtypes.to_dict())


def level_orders(rows: pd.DataFrame, target: str) -> Orders:
    """Text levels ranked by the mean target, so that a tree can cut them like a number."""
    truth = rows[target]
    score = truth if is_number(truth) else pd.Series(pd.factorize(truth, sort=True)[0], index=rows.index)
    texts = [name for name in rows.columns if name != target and not is_number(rows[name])]
    ranked = {name: score.groupby(rows[name]).mean().sort_values(kind="stable").index for name in texts}
    return {name: {level: rank for rank, level in enumerate(levels)} for name, levels in ranked.items()}


def encode(rows: pd.DataFrame, orders: Orders) -> Floats:
    """Columns as numbers, blanks as NaN; a constant column stands in when there is none yet."""
    if rows.shape[1] == 0:
        return np.zeros((len(rows), 1))
    coded = [rows[name].map(orders[name]) if name in orders else rows[name] for name in rows.columns]
    return np.column_stack([column.to_numpy(dtype=float) for column in coded])


def copies(twin: pd.DataFrame, unlike: pd.DataFrame) -> pd.Series:
    """Marks the synthetic rows that equal a row of `unlike` in all its columns (blank equals blank)."""
    made, known = (
        pd.util.hash_pandas_object(pd.DataFrame({name: _spelling(rows[name]) for name in unlike}), index=False)
        for rows in (twin, unlike)
    )
    return made.isin(set(known)).set_axis(twin.index)


def _spelling(column: pd.Series) -> pd.Series:
    """One for comparing: 311.8999999999999 is 311.9, and a blank is a blank in every column type."""
    cells = plain(column)
    return cells.round(9) + 0.0 if is_number(cells) else cells.fillna("")


def _without_copies(drawn: pd.DataFrame, unlike: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The first rows that are no copies, with blanks as frequent as they were drawn."""
    fresh = drawn[~copies(drawn, unlike)]
    if len(fresh) < rows:
        raise DataError(
            f"Only {len(fresh)} of {len(drawn)} drawn rows copy no real row; {rows} are wanted.",
            remedy="Ask for fewer rows in configs/twin.yaml.",
        )
    # a row with blanks is a copy more often than others, so each pattern of blanks fills its own share of the places
    pattern = pd.util.hash_pandas_object(drawn.isna(), index=False)
    mine = pattern.loc[fresh.index]
    turn = fresh.groupby(mine).cumcount() / mine.map(pattern.value_counts())
    kept = turn.sort_values(kind="stable").index[:rows].sort_values()
    return fresh.loc[kept].reset_index(drop=True)
