"""Models trained on a part of the data, so that many rows are left that they have never seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from portfolio.data import frames, source, split, table
from portfolio.data.frames import take
from portfolio.measures import Vector
from portfolio.profile import profile
from portfolio.settings import read_config, read_settings
from portfolio.spec import Frame, ModelSpec
from portfolio.training.evaluate import Fitted, refit
from portfolio.training.problem import Problem, pose
from portfolio.training.search import search

FIFTHS = 2
"""Of five, that are kept from training: what traffic is drawn from. A fifth of the rest is the reference."""


APART = 1_000_000
"""Between the salt of the pool and that of the folds in training, which would not be independent of it."""


@dataclass(frozen=True)
class Held:
    """A model, the test rows that are its reference, and a `pool` of further rows with their truth, unseen by both."""

    problem: Problem
    fitted: Fitted
    spec: ModelSpec
    pool: Frame
    truth: Vector

    def score(self, frame: Frame) -> Vector:
        """The model's raw score of request rows [N]."""
        made = self.spec.features(frame)
        packed = frames.pack(made, frames.layout_of(made))
        return self.fitted.model.score(self.problem.encoder.encode(packed))

    @cached_property
    def reference(self) -> dict[str, dict[str, Any]]:
        """The profile that its bundle would have."""
        return profile(self.scored(self.problem.test.frame))

    def scored(self, frame: Frame) -> Frame:
        """Request rows and their score, as a profile has them."""
        return {**frame, "score": self.score(frame)}


def held(spec: ModelSpec, salts: range) -> Iterator[Held]:
    """One model a salt, of the project's known good parameters."""
    config = read_config(spec.root / "configs" / "config.yaml").training
    file = source.find(spec, mirror=read_settings().data_mirror)
    with TemporaryDirectory() as folder:
        bad = Path(folder) / "bad_rows.csv"
        rows = table.load(spec, file, max_bad_rows=config.max_bad_rows, bad_rows_path=bad)
    for salt in salts:
        fifth = split.folds(rows.keys, 5, salt=salt + APART)
        pool, kept = np.flatnonzero(fifth < FIFTHS), np.flatnonzero(fifth >= FIFTHS)
        rest = replace(
            rows,
            frame=take(rows.frame, kept),
            target=rows.target[kept],
            extras=take(rows.extras, kept),
            keys=[rows.keys[row] for row in kept],
        )
        problem = pose(spec, rest, config, salt=salt)
        found = search(problem, config.budgets["quick"], lambda *_: None)
        yield Held(problem, refit(problem, found.winner), spec, take(rows.frame, pool), rows.target[pool])
