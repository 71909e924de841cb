"""What a model learns from: the encoded training part with its target on the learned scale and its folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from portfolio.bundle import Interval
from portfolio.bundle.scorer import sigmoid
from portfolio.data import frames, split
from portfolio.data.table import Rows
from portfolio.errors import DataError
from portfolio.measures import Predictions
from portfolio.settings import TrainingConfig
from portfolio.spec import Binary, Frame, ModelSpec, Regression, Task
from portfolio.training.encoder import Encoder, Matrix, fit_encoder
from portfolio.training.models import Vector

MIN_ROWS = 20
Whole = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Part:
    """Rows of one side of the split. `truth` is in the target's unit, `groups` numbers the rows' groups."""

    frame: Frame
    arrays: frames.Arrays
    truth: Vector
    groups: Whole
    rows: Whole

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Problem:
    """A split data set. Everything that is chosen is chosen from `train`; `test` is only ever measured on."""

    task: Task
    encoder: Encoder
    train: Part
    test: Part
    encoded: Matrix
    learned: Vector
    folds: Whole
    config: TrainingConfig


def pose(spec: ModelSpec, rows: Rows, config: TrainingConfig, *, salt: int) -> Problem:
    """Split rows by group, pack both parts, and encode the training part."""
    features = spec.features(rows.frame)
    layout = frames.layout_of(features)
    arrays = frames.pack(features, layout)
    tested = split.is_test(rows.keys, salt=salt)
    groups = np.unique(np.array(rows.keys, dtype=object), return_inverse=True)[1]
    train, test = (_part(rows, arrays, groups, np.flatnonzero(side)) for side in (~tested, tested))
    _check_enough(spec.task, train, test, rows)
    encoder = fit_encoder(train.arrays, layout)
    return Problem(
        task=spec.task,
        encoder=encoder,
        train=train,
        test=test,
        encoded=encoder.encode(train.arrays),
        learned=learned_scale(spec.task, train.truth),
        folds=split.folds([rows.keys[row] for row in train.rows], config.folds, salt=salt),
        config=config,
    )


def _check_enough(task: Task, train: Part, test: Part, rows: Rows) -> None:
    few = min(len(train), len(test)) < MIN_ROWS
    one_sided = isinstance(task, Binary) and any(len(np.unique(part.truth)) < 2 for part in (train, test))
    if few or one_sided:
        what = "too few rows" if few else f"only one value of {task.target}"
        raise DataError(
            f"{rows.file.path} has {what}: {len(train)} to train on, {len(test)} to test on.",
            remedy=f"Each part needs at least {MIN_ROWS} rows, and both outcomes where there are two.",
        )


def learned_scale(task: Task, truth: Vector) -> Vector:
    """What the model fits: 0/1, or the logarithm of the amount."""
    return truth if isinstance(task, Binary) else np.log(truth)


def predictions(
    task: Task, answers: Vector, *, threshold: float | None = None, interval: Interval | None = None
) -> Predictions:
    """Answers on the calibrated scale as probabilities with decisions, or as amounts with intervals."""
    if isinstance(task, Regression):
        low, high = interval.bounds(answers) if interval else (None, None)
        return Predictions(np.exp(answers), low=_exp(low), high=_exp(high))
    probability = sigmoid(answers)
    return Predictions(probability, decision=(probability >= (threshold or 0.5)).astype(np.float64))


def _exp(ends: Vector | None) -> Vector | None:
    return None if ends is None else np.exp(ends)


def _part(rows: Rows, arrays: frames.Arrays, groups: Any, side: Whole) -> Part:
    return Part(frames.take(rows.frame, side), arrays[side], rows.target[side], groups[side], side)
