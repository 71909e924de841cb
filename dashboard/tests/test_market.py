"""The market of CarVision: what is counted of adverts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from advertised import columns

from cockpit.plugins.market import charts, counts
from cockpit.plugins.market.adverts import Choice, read


def frame(*rows: Mapping[str, Any]) -> Any:
    return read(columns(*rows))


def test_make_age_and_week_are_told_by_the_advert() -> None:
    one = frame({"model": "honda civic lx", "model_year": 2011, "date_posted": "2019-04-03"}).iloc[0]

    assert one["make"] == "honda"
    assert one["age"] == 8
    assert str(one["week"].date()) == "2019-04-01"  # a Monday


def test_a_car_of_next_year_is_new_and_not_younger_than_that() -> None:
    assert frame({"model_year": 2020, "date_posted": "2019-01-01"})["age"].tolist() == [0]


def test_what_an_advert_does_not_say_is_missing_and_never_a_value() -> None:
    one = frame({"model_year": None, "odometer": None, "condition": "", "date_posted": None})

    assert one[["model_year", "odometer", "condition", "age", "week"]].isna().all(axis=None)
    assert read({"model": ["ford f-150"]})["price"].isna().all()


def test_a_choice_keeps_what_fits_all_of_it() -> None:
    found = frame({"price": 5_000}, {"price": 9_000}, {"price": 9_000, "condition": "fair"}, {"model": "kia rio"})

    assert len(Choice().keep(found)) == 4
    assert Choice(make=("ford",), condition=("good",), price=(6_000, 9_500)).keep(found)["price"].tolist() == [9_000]


def test_an_advert_that_does_not_say_its_year_is_kept_by_open_bounds_only() -> None:
    found = frame({"model_year": None}, {"model_year": 2015})

    assert len(Choice(model_year=(None, None)).keep(found)) == 2
    assert Choice(model_year=(2000, None)).keep(found)["model_year"].tolist() == [2015]
    assert Choice(model_year=(None, 2016)).keep(found)["model_year"].tolist() == [2015]


def test_shares_are_of_those_that_say_it_the_largest_first() -> None:
    found = counts.shares(frame({}, {}, {"type": "sedan", "price": 4_000}, {"type": ""}), "type")

    assert found.index.tolist() == ["truck", "sedan"]
    assert found["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found.loc["sedan", "price"] == 4_000


def test_one_price_of_a_million_does_not_ruin_the_axis_and_is_counted_in_the_last_bar() -> None:
    found = frame(*({"price": 1_000 + 100 * at} for at in range(200)), {"price": 1_000_000}, {"price": 1})

    histogram, beyond = counts.prices(found)

    assert histogram["high"].iloc[-1] < 30_000
    assert histogram["adverts"].sum() == 202
    assert beyond >= 1
    drawn = charts.price_histogram(histogram, 10_000.0, beyond)
    assert drawn.data[0].customdata[-1].endswith("and more")


def test_ages_beyond_the_last_are_in_its_bar() -> None:
    counted = counts.ages(frame({"model_year": 1900}, {"model_year": 1994}, {"model_year": 2019}, {"model_year": None}))

    assert (counted[counts.OLD], counted[0], counted.sum()) == (2, 1, 3)


def test_depreciation_is_the_median_by_age_against_the_youngest() -> None:
    rows = [{"model_year": 2019 - age, "price": price} for age, price in ((0, 20_000), (5, 10_000)) for _ in range(3)]
    antique = {"model_year": 1900, "price": 90_000}

    found = counts.depreciation(frame(*rows, antique, antique, antique), few=3)

    assert found.index.tolist() == [0, 5]
    assert found["kept"].tolist() == [1.0, 0.5]


def test_quartiles_of_few_adverts_are_left_out() -> None:
    rows = [{"model": "ford a", "price": price} for price in (1_000, 2_000, 3_000, 4_000, 5_000)]

    found = counts.quartiles(frame(*rows, {"model": "kia b"}), "make", few=5)

    assert found.index.tolist() == ["ford"]
    assert found.loc["ford", ["adverts", "low", "middle", "high"]].tolist() == [5, 2_000, 3_000, 4_000]


def test_the_weekly_trend_begins_weeks_on_monday() -> None:
    days = [("2019-03-31", 1_000), ("2019-04-01", 5_000), ("2019-04-07", 7_000), (None, 9_000)]

    found = counts.weekly(frame(*({"date_posted": day, "price": price} for day, price in days)), few=1)

    assert [str(each.date()) for each in found.index] == ["2019-03-25", "2019-04-01"]
    assert found["middle"].tolist() == [1_000, 6_000]


def test_a_bargain_costs_less_than_the_low_end_of_its_own_interval_and_the_largest_saving_is_first() -> None:
    found = counts.bargains(
        frame(
            {"price": 7_000},
            {"price": 8_000},  # at the low end, not below
            {"price": 3_000},
            {"price": 1_000, "prediction": None, "prediction_low": None},
        )
    )

    assert found["price"].tolist() == [3_000, 7_000]
    assert found["saving"].tolist() == [8_000, 4_000]
    assert found["saving_share"].tolist() == pytest.approx([8 / 11, 4 / 11])
    assert found["implausible"].tolist() == [True, False]


def test_nothing_counted_of_nothing_is_nothing() -> None:
    nothing = Choice(make=("kia",)).keep(frame({}))

    assert counts.summary(nothing).price is None
    assert counts.bargains(nothing).empty
    assert counts.weekly(nothing).empty
    assert counts.prices(nothing)[1] == 0
