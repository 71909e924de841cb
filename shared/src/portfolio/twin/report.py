"""Train on the twin, test on the real: what a model loses when it never saw a real row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from portfolio import measures
from portfolio.data import split
from portfolio.defaults import fit_defaults
from portfolio.spec import ModelSpec, Task
from portfolio.twin.flow import make_twin
from portfolio.twin.likeness import Likeness, likeness
from portfolio.twin.recipe import TwinRecipe
from portfolio.twin.tables import FileRows, gzip_csv, read_rows


@dataclass(frozen=True)
class Trial:
    """One split: the headline metric on its real test rows after training on the real rows and on the twin."""

    real: float
    twin: float


@dataclass(frozen=True)
class Figure:
    """What a twin of `size` bytes is worth over several splits; `loss` is in the metric, or a share of the error."""

    metric: str
    relative: bool
    trials: tuple[Trial, ...]
    likeness: Likeness
    size: int
    limit: float

    @property
    def loss(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """What training on the twin costs in each split; below zero where it does better."""
        real, twin = np.array([(trial.real, trial.twin) for trial in self.trials], dtype=np.float64).T
        return np.asarray(twin / real - 1 if self.relative else real - twin)

    @property
    def passed(self) -> bool:
        """Within the limit, and no real row shown."""
        return bool(self.loss.mean() <= self.limit) and self.likeness.copies == 0


def figures(spec: ModelSpec, recipe: TwinRecipe, real: FileRows, sample: Path) -> dict[str, Figure]:
    """The strict figure and the shipped one, on the same splits.

    "strict": each split makes its own twin, from the training part alone; the worst likeness is shown. "shipped": the
    file in data/sample, which was made from the test rows too, so this figure flatters it.
    """
    shipped = read_rows(spec, sample)
    learned_shipped = _learned(spec.task, shipped)
    strict, whole, likenesses, sizes = [], [], [], []
    for train, test in _parts(real, recipe.splits):
        made, size = _made_from(spec, recipe, train)
        on_real = _learned(spec.task, train)(test)
        strict.append(Trial(on_real, _learned(spec.task, made)(test)))
        whole.append(Trial(on_real, learned_shipped(test)))
        likenesses.append(likeness(spec.task, recipe, made, train))
        sizes.append(size)
    return {
        "strict": _figure(spec.task, recipe, strict, _worst(likenesses), max(sizes)),
        "shipped": _figure(spec.task, recipe, whole, likeness(spec.task, recipe, shipped, real), sample.stat().st_size),
    }


def _parts(real: FileRows, splits: int) -> Iterator[tuple[FileRows, FileRows]]:
    for salt in range(splits):
        tested = split.is_test(real.keys.tolist(), salt=salt)
        yield real[~tested], real[tested]


def _made_from(spec: ModelSpec, recipe: TwinRecipe, train: FileRows) -> tuple[FileRows, int]:
    """A twin as training would read it from its file, and the file's bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / spec.source.sample
        path.write_bytes(gzip_csv(make_twin(spec.task, recipe, train)))
        return read_rows(spec, path), path.stat().st_size


def _learned(task: Task, train: FileRows) -> Callable[[FileRows], float]:
    """Fit LightGBM's defaults; gives the headline metric of test rows."""
    predict = fit_defaults(task, train.frame, train.target)

    def measure(test: FileRows) -> float:
        predicted = measures.Predictions(predict(test.frame))
        return measures.values(task.kind, test.target, predicted)[task.headline]

    return measure


def _worst(found: Sequence[Likeness]) -> Likeness:
    return Likeness(
        rows=max(one.rows for one in found),
        copies=max(one.copies for one in found),
        marginal=max(one.marginal for one in found),
        correlation=max(one.correlation for one in found),
    )


def _figure(task: Task, recipe: TwinRecipe, trials: Sequence[Trial], near: Likeness, size: int) -> Figure:
    return Figure(
        metric=task.headline,
        relative=task.headline not in measures.HIGHER_IS_BETTER,
        trials=tuple(trials),
        likeness=near,
        size=size,
        limit=recipe.limit,
    )
