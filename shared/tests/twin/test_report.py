"""The figures are honest: what they compare, what they count, when they fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from portfolio.data.split import is_test
from portfolio.spec import ModelSpec, Task
from portfolio.twin import command, report
from portfolio.twin.likeness import Likeness, correlation_gap, likeness, marginal_gap
from portfolio.twin.recipe import TwinRecipe, read_recipe
from portfolio.twin.report import Figure, Trial, figures
from portfolio.twin.tables import FileRows, real_rows, twin_path

NEAR = Likeness(rows=10, copies=0, marginal=0.0, correlation=0.0)


def figure(*trials: tuple[float, float], relative: bool = False, near: Likeness = NEAR) -> Figure:
    named = tuple(Trial(real, twin) for real, twin in trials)
    return Figure(metric="m", relative=relative, trials=named, likeness=near, size=1, limit=0.02)


def test_the_strict_twin_is_made_from_the_training_part_alone(dear: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    command.make([dear])
    seen: list[FileRows] = []
    make = report.make_twin

    def spy(task: Task, recipe: TwinRecipe, real: FileRows) -> pd.DataFrame:
        seen.append(real)
        return make(task, recipe, real)

    monkeypatch.setattr(report, "make_twin", spy)
    real = real_rows(dear)
    figures(dear, read_recipe(dear.root / "configs" / "twin.yaml"), real, twin_path(dear))
    assert len(seen) == 2
    for salt, train in enumerate(seen):
        tested = is_test(real.keys.tolist(), salt=salt)
        assert 0.1 < tested.mean() < 0.3
        assert len(train) == len(train.raw) == (~tested).sum()
        assert set(train.keys).isdisjoint(real.keys[tested])


def test_a_useless_twin_is_found_out(dear: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    command.make([dear])
    make = report.make_twin

    def shuffled(task: Task, recipe: TwinRecipe, real: FileRows) -> pd.DataFrame:
        rows = make(task, recipe, real)
        return rows.assign(dear=np.random.default_rng(0).permutation(rows["dear"]))

    monkeypatch.setattr(report, "make_twin", shuffled)
    found = figures(dear, read_recipe(dear.root / "configs" / "twin.yaml"), real_rows(dear), twin_path(dear))
    assert not found["strict"].passed
    assert found["strict"].loss.mean() > 0.3
    assert found["shipped"].passed


def test_a_real_row_in_the_twin_is_counted(dear: ModelSpec) -> None:
    real = real_rows(dear)
    recipe = read_recipe(dear.root / "configs" / "twin.yaml")
    renamed = replace(real, raw=real.raw.assign(id=0, owner="x", posted="2000-01-01", dear=1 - real.raw["dear"]))
    assert likeness(dear.task, recipe, renamed, real).copies == len(real)
    other = replace(real, raw=real.raw.assign(area=real.raw["area"] + 1000.0))
    assert likeness(dear.task, recipe, other, real).copies == 0


def test_a_loss_is_a_difference_of_auc_or_a_share_of_the_error() -> None:
    assert figure((0.85, 0.84), (0.87, 0.85)).loss == pytest.approx([0.01, 0.02])
    assert figure((2000.0, 2100.0), relative=True).loss == pytest.approx([0.05])


def test_the_mean_loss_decides_and_a_copy_or_a_missing_metric_fails() -> None:
    assert figure((0.85, 0.84), (0.85, 0.825)).passed
    assert not figure((0.85, 0.84), (0.85, 0.81)).passed
    assert not figure((0.85, float("nan"))).passed
    assert not figure((0.85, 0.85), near=replace(NEAR, copies=1)).passed


def test_marginals_count_blanks_and_distance() -> None:
    number, text = pd.Series([1.0, 2.0, 3.0, np.nan]), pd.Series(["a", "a", "b", ""], dtype=object)
    assert marginal_gap(number, number) == 0
    assert marginal_gap(number, pd.Series([1.0, 2.0, 3.0, 4.0])) == 0.25
    assert marginal_gap(number, number + 10) == 0.75
    assert marginal_gap(text, pd.Series(["a", "b", "b", ""], dtype=object)) == 0.25


def test_a_turned_correlation_shows() -> None:
    rows = pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50.0)})
    assert correlation_gap(rows, rows, "y") == 0
    assert correlation_gap(rows, rows.assign(x=-rows["x"]), "y") == pytest.approx(2)
