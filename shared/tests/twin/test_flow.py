"""A twin looks like the real table and shows none of its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from twin.flats import keys

from portfolio.errors import DataError
from portfolio.spec import ModelSpec
from portfolio.twin.flow import make_twin
from portfolio.twin.recipe import TwinRecipe, read_recipe
from portfolio.twin.tables import FileRows, gzip_csv, read_raw, real_rows

FEATURES = ["rooms", "age", "city", "area"]


def recipe_of(spec: ModelSpec, **changed: object) -> TwinRecipe:
    return read_recipe(spec.root / "configs" / "twin.yaml").model_copy(update=changed)


@pytest.fixture
def real(dear: ModelSpec) -> FileRows:
    return real_rows(dear)


@pytest.fixture
def twin(dear: ModelSpec, real: FileRows) -> pd.DataFrame:
    return make_twin(dear.task, recipe_of(dear), real)


def without_area(rows: FileRows) -> FileRows:
    """Only columns of few levels are left, so that a drawn row is a copy more often than not."""
    raw, unused = (table.drop(columns=["area", "age"]) for table in (rows.raw, rows.unused))
    return replace(rows, raw=raw, unused=unused)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    dear: ModelSpec, real: FileRows, twin: pd.DataFrame
) -> None:
    assert gzip_csv(make_twin(dear.task, recipe_of(dear), real)) == gzip_csv(twin)
    assert gzip_csv(make_twin(dear.task, recipe_of(dear, seed=43), real)) != gzip_csv(twin)


def test_the_file_carries_no_time_stamp_or_name(twin: pd.DataFrame) -> None:
    packed = gzip_csv(twin)
    assert packed[:2] == b"\x1f\x8b"
    assert packed[3] == 0  # no name
    assert packed[4:8] == bytes(4)  # no time


def test_no_row_of_the_file_comes_back_even_where_columns_are_coarse(dear: ModelSpec, real: FileRows) -> None:
    coarse = real.raw.assign(area=real.raw["area"].round(0), age=real.raw["age"] // 20)
    twin = make_twin(dear.task, recipe_of(dear, rows=400), replace(real, raw=coarse))
    shared = keys(twin, ["rooms", "city"]) & keys(coarse, ["rooms", "city"])
    assert len(shared) > 20  # parts of rows agree: there was something to copy
    assert keys(twin, FEATURES) & keys(coarse, FEATURES) == set()


def test_rows_that_training_leaves_out_do_not_come_back_either(rent: ModelSpec) -> None:
    rows = real_rows(rent)
    assert not rows.unused["rent"].between(500, 2500).any()
    free = make_twin(rent.task, recipe_of(rent), rows)
    again = make_twin(rent.task, recipe_of(rent), replace(rows, unused=free.head(40)))  # the same seed draws them again
    assert keys(again, FEATURES) & keys(free, FEATURES)
    assert keys(again, FEATURES) & keys(free.head(40), FEATURES) == set()


def test_asking_for_more_rows_than_can_be_new_is_an_error(dear: ModelSpec, real: FileRows) -> None:
    with pytest.raises(DataError, match=r"copy no real row; 1500 are wanted.*fewer rows"):
        make_twin(dear.task, recipe_of(dear), without_area(real))


@pytest.mark.parametrize("name", ["rooms", "age", "city"])
def test_blanks_are_as_frequent(name: str, real: FileRows, twin: pd.DataFrame) -> None:
    assert twin[name].isna().mean() == pytest.approx(real.raw[name].isna().mean(), abs=0.03)


def test_blanks_are_as_frequent_where_rows_with_blanks_are_often_copies(dear: ModelSpec, real: FileRows) -> None:
    # without an age a flat is soon like another one
    raw = real.raw.assign(area=real.raw["area"].round(0), age=real.raw["age"] + np.arange(len(real)))
    twin = make_twin(dear.task, recipe_of(dear, rows=600), replace(real, raw=raw))
    assert twin["age"].isna().mean() == pytest.approx(raw["age"].isna().mean(), abs=0.05)


def test_texts_are_the_real_ones(real: FileRows, twin: pd.DataFrame) -> None:
    assert set(twin["city"].dropna()) == {"Ayr", "Bath", "Cork", "Deal"}
    assert set(twin["posted"]) <= set(real.raw["posted"])


def test_numbers_are_written_as_in_the_real_file(real: FileRows, twin: pd.DataFrame, tmp_path: Path) -> None:
    assert list(twin.columns) == list(real.raw.columns)
    (tmp_path / "twin.csv.gz").write_bytes(gzip_csv(twin))
    assert (read_raw(tmp_path / "twin.csv.gz").dtypes == real.raw.dtypes).all()
    text = pd.read_csv(tmp_path / "twin.csv.gz", dtype=str, keep_default_na=False)
    assert text["rooms"].str.fullmatch(r"\d?").all()
    assert text["age"].str.fullmatch(r"(\d+\.0)?").all()
    assert text["area"].str.fullmatch(r"\d+\.\d\d?").all()
    assert set(text["dear"]) == {"0", "1"}


def test_rare_numbers_are_blended_and_common_ones_kept(real: FileRows, twin: pd.DataFrame) -> None:
    assert twin["area"].isin(real.raw["area"]).mean() < 0.2
    assert twin["area"].between(real.raw["area"].min(), real.raw["area"].max()).all()
    assert set(twin["rooms"].dropna()) == set(real.raw["rooms"].dropna())


def test_identifiers_are_counted_and_names_constant(twin: pd.DataFrame) -> None:
    assert twin["id"].tolist() == list(range(101, 1601))
    assert set(twin["owner"]) == {"Nobody"}


def test_as_many_rows_are_listed_again_each_time_on_a_day_of_its_own(real: FileRows, twin: pd.DataFrame) -> None:
    whole = [*FEATURES, "dear"]
    assert twin.duplicated(whole).mean() == pytest.approx(real.raw.duplicated(whole).mean(), abs=0.05)
    assert twin.duplicated([*whole, "posted"]).mean() < 0.02


def test_the_target_depends_on_the_features_as_it_did(real: FileRows, twin: pd.DataFrame) -> None:
    def dear_by_size(rows: pd.DataFrame) -> list[float]:
        return rows.groupby(pd.cut(rows["area"], [0, 40, 80, 120, 1000]), observed=True)["dear"].mean().tolist()

    assert dear_by_size(twin) == pytest.approx(dear_by_size(real.raw), abs=0.12)


def test_a_number_as_target_stays_in_its_range_and_on_its_common_values(rent: ModelSpec) -> None:
    rows = real_rows(rent)
    made = make_twin(rent.task, recipe_of(rent), rows)
    assert made["rent"].between(500, 2500).all()
    assert made["rent"].dtype == rows.raw["rent"].dtype
    assert (made["rent"] % 10 == 0).mean() > 0.5  # real rents are; a plain prediction would be one time in ten
    assert made["rent"].corr(made["area"]) == pytest.approx(rows.raw["rent"].corr(rows.raw["area"]), abs=0.06)
