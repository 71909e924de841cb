"""Repeated evaluation: many splits, the whole search inside each training part, beside LightGBM's defaults."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table
from scipy import stats

from portfolio import terminal
from portfolio.data import source, table
from portfolio.data.split import TEST_SHARE
from portfolio.data.table import Rows
from portfolio.measures import HIGHER_IS_BETTER, values
from portfolio.settings import Budget, Effort, TrainingConfig, read_config, read_settings
from portfolio.spec import ModelSpec
from portfolio.training.baselines import defaults
from portfolio.training.evaluate import refit
from portfolio.training.problem import pose
from portfolio.training.search import search

Values = dict[str, float]


@dataclass(frozen=True)
class Gain:
    """A metric over S splits: our mean and deviation, the defaults' mean, the paired gain with its 95 % interval.

    `gain` is ours − defaults. The interval is Student's t over the S paired differences, widened because the splits
    share their rows: by 1/S + test/train in the place of 1/S (Nadeau, Bengio 2003, Machine Learning 52).
    """

    metric: str
    mean: float
    deviation: float
    beside: float
    gain: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """The whole interval is on the better side of zero."""
        return self.low > 0 if self.metric in HIGHER_IS_BETTER else self.high < 0


def show(spec: ModelSpec, *, effort: Effort, seeds: int | None, first_seed: int) -> dict[str, Any]:
    """Run and print the repeated evaluation of one project; returns its figures as plain values."""
    config = read_config(spec.root / "configs" / "config.yaml").training
    file = source.find(spec, mirror=read_settings().data_mirror)
    rows = table.load(spec, file, max_bad_rows=config.max_bad_rows, bad_rows_path=spec.root / "models" / "bad_rows.csv")
    salts = range(first_seed, first_seed + (seeds or config.evaluation_seeds))
    console = terminal.output()
    notices = terminal.notices()
    console.print(f"[bold]{spec.name}[/]: {file.dataset.label}, {_used(rows)}; {len(salts)} splits, {effort} search")
    pairs = []
    for salt, (ours, theirs) in zip(
        salts, evaluate_splits(spec, rows, config, config.budgets[effort], salts), strict=True
    ):
        pairs.append((ours, theirs))
        notices.print(f"{spec.name}: split {salt}: {_brief(ours)}")
    found = gains(pairs)
    console.print(_table(found))
    metrics = {gain.metric: _plain(gain) for gain in found if gain.metric != "seconds"}
    return {"data": file.dataset.label, "splits": len(salts), "search": effort, "metrics": metrics}


def evaluate_splits(
    spec: ModelSpec, rows: Rows, config: TrainingConfig, budget: Budget, salts: range
) -> Iterator[tuple[Values, Values]]:
    """(our metrics, the defaults' metrics) on the test part of each salt's split."""
    for salt in salts:
        started = time.monotonic()
        problem = pose(spec, rows, config, salt=salt)
        fitted = refit(problem, search(problem, budget, lambda *_: None).winner)
        predicted = fitted.predict(problem, fitted.model.score(problem.encoder.encode(problem.test.arrays)))
        ours = values(spec.task.kind, problem.test.truth, predicted)
        theirs = values(spec.task.kind, problem.test.truth, defaults(problem))
        yield ours | {"seconds": time.monotonic() - started}, theirs


def gains(pairs: list[tuple[Values, Values]]) -> list[Gain]:
    """One Gain for each metric that both sides have; for the others (coverage, seconds) the gain is NaN."""
    rows = []
    for metric in pairs[0][0]:
        ours = np.array([mine[metric] for mine, _ in pairs])
        theirs = np.array([other.get(metric, np.nan) for _, other in pairs])
        difference = ours - theirs
        overlap = 1 / len(pairs) + TEST_SHARE / (1 - TEST_SHARE)
        reach = stats.t.ppf(0.975, len(pairs) - 1) * difference.std(ddof=1) * np.sqrt(overlap)
        gain = difference.mean()
        figures = (ours.mean(), ours.std(ddof=1), theirs.mean(), gain, gain - reach, gain + reach)
        rows.append(Gain(metric, *map(float, figures)))
    return rows


def _plain(gain: Gain) -> dict[str, float]:
    """What is a number."""
    return {name: value for name, value in asdict(gain).items() if name != "metric" and not np.isnan(value)}


def _used(rows: Rows) -> str:
    refused = int(rows.refused.bad.sum())
    return f"{len(rows):,} rows used, {refused:,} refused, {rows.out_of_scope:,} out of scope"


def _brief(ours: Values) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in ours.items())


def _table(rows: list[Gain]) -> Table:
    shown = Table(
        "metric", "mean", "sd", "LightGBM defaults", "gain", "95 % interval", "", box=None, padding=(0, 2, 0, 0)
    )
    for row in rows:
        figures = [f"{row.mean:.4g}", f"{row.deviation:.2g}"]
        if np.isnan(row.gain):
            shown.add_row(row.metric, *figures, "", "", "", "")
            continue
        interval = f"[{row.low:+.4g}, {row.high:+.4g}]"
        shown.add_row(
            row.metric, *figures, f"{row.beside:.4g}", f"{row.gain:+.4g}", interval, "better" if row.better else ""
        )
    return shown
