"""One twin: distinct rows → synthesis → listed again as often as the real ones → the columns without a model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from portfolio.spec import Task
from portfolio.twin.columns import draw_alone
from portfolio.twin.recipe import TwinRecipe
from portfolio.twin.synthesis import synthesize
from portfolio.twin.tables import FileRows

TIMES = "times listed"


def make_twin(task: Task, recipe: TwinRecipe, real: FileRows) -> pd.DataFrame:
    """`recipe.rows` made-up rows under the header of the raw file, in its types."""
    rng = np.random.default_rng(recipe.seed)
    features = recipe.features(list(real.raw.columns), task.target)
    distinct = _distinct(real.raw[[*features, task.target]])
    unlike = real.whole_file[features]
    drawn = synthesize(distinct, task, recipe.rows, rng, unlike=unlike, model=recipe.model)
    return _completed(_listed_again(drawn, recipe.rows, rng), real.raw, recipe, rng)


def _distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """Each row once, with how often it is there: a car listed twice must not fill a leaf as if it were two cars."""
    return rows.groupby(list(rows.columns), dropna=False, sort=False).size().rename(TIMES).reset_index()


def _listed_again(drawn: pd.DataFrame, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    # rows with blanks come late in what was drawn, so the cut is made in another order
    order = rng.permutation(len(drawn))
    again = np.repeat(order, drawn[TIMES].to_numpy()[order])[:rows]
    return drawn.drop(columns=TIMES).iloc[rng.permutation(again)].reset_index(drop=True)


def _completed(listed: pd.DataFrame, real: pd.DataFrame, recipe: TwinRecipe, rng: np.random.Generator) -> pd.DataFrame:
    count = len(listed)
    added = {
        **{name: first + np.arange(count) for name, first in recipe.counted.items()},
        **recipe.constant,
        **{name: draw_alone(real[name], count, rng) for name in recipe.alone},
    }
    return listed.assign(**added)[list(real.columns)].astype({name: real[name].dtype for name in recipe.alone})
