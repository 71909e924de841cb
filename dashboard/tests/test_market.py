"""The market of CarVision: what is counted of adverts, and its page over a small answer of GET /data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cockpit.plugins.market import charts, counts
from cockpit.plugins.market.adverts import Choice, read
from tests.answering import serving


def columns(*rows: Mapping[str, Any]) -> dict[str, list[Any]]:
    usual = {
        "model": "ford f-150",
        "model_year": 2010,
        "condition": "good",
        "type": "truck",
        "odometer": 100_000,
        "date_posted": "2019-04-03",
        "price": 10_000,
        "prediction": 11_000,
        "prediction_low": 8_000,
        "prediction_high": 14_000,
    }
    return {name: [(usual | row)[name] for row in rows] for name in usual}


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


ROWS = [{"price": 9_000 + at, "model_year": 2005 + at % 3} for at in range(60)]
ROWS += [{"model": "kia rio", "type": "sedan", "price": 3_000, "prediction_low": 5_000} for _ in range(30)]


class Api(BaseHTTPRequestHandler):
    """CarVision as far as the page asks it."""

    rows = ROWS
    broken = False

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status = 500 if path == "/data" and self.broken else 200
        answer = {
            "/": {"name": "carvision", "title": "Used car prices"},
            "/health": {"status": "healthy", "model_version": "1"},
            "/model/info": {"bundle_version": "b1", "data": {"synthetic": True}, "task": {"unit": "USD"}},
            "/data": {"rows": len(self.rows), "columns": columns(*self.rows)},
        }[path]
        body = json.dumps(
            {"detail": "The data are away.", "remedy": "Ask later."} if status == 500 else answer
        ).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        pass


def _page() -> None:
    from cockpit import models
    from cockpit.plugins.carvision import PAGES

    PAGES["market"][1](models.models()[0])


def _opened(port: int, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setenv("PORTFOLIO_APIS", f"http://127.0.0.1:{port}")
    st.cache_data.clear()
    st.cache_resource.clear()
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name.replace("_", "-")] = value
    return app.run()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    with serving(Api) as port:
        yield _opened(port, monkeypatch)


def _said(app: AppTest) -> str:
    return " ".join(each.body for each in app.get("html")) + " ".join(each.value for each in (*app.info, *app.caption))


def test_the_page_shows_the_market_and_marks_synthetic_data(page: AppTest) -> None:
    assert not page.exception
    assert "<b>90</b> of 90 adverts" in _said(page)
    assert "synthetic data" in _said(page)
    assert len(page.get("plotly_chart")) == 4


def test_a_filter_changes_the_figures_and_a_reset_brings_them_back(page: AppTest) -> None:
    page.multiselect(key="market-make").select("kia").run()
    assert "<b>30</b> of 90 adverts" in _said(page)
    assert "$3,000" in _said(page)
    page.slider(key="market-price").set_value((5_000, 9_000)).run()
    assert "<b>0</b> of 90 adverts" in _said(page)

    page.button(key="market-reset").click().run()
    assert "<b>90</b> of 90 adverts" in _said(page)
    assert not page.exception


def test_models_of_a_make_that_is_chosen_no_longer_are_let_go(page: AppTest) -> None:
    page.multiselect(key="market-make").select("kia").run()
    page.multiselect(key="market-model").select("kia rio").run()
    page.multiselect(key="market-make").set_value(["ford"]).run()

    assert page.multiselect(key="market-model").value == []
    assert "<b>60</b> of 90 adverts" in _said(page)


def test_a_filter_that_leaves_nothing_says_so(page: AppTest) -> None:
    page.multiselect(key="market-make").select("kia").run()
    page.multiselect(key="market-type").select("truck").run()

    assert "<b>0</b> of 90 adverts" in _said(page)
    assert "No advert fits the filter" in page.info[0].value
    assert not page.exception


def test_the_bargains_are_told_with_what_to_think_of_them(page: AppTest) -> None:
    page.segmented_control(key="market-part").set_value("Bargains").run()

    assert "out of fold" in page.markdown[0].value
    assert "scam" in page.markdown[0].value
    table = page.dataframe[0].value
    assert table["Saving"].tolist() == [8_000] * 30
    assert table["Interval"].iloc[0] == "$5,000 – $14,000"


def test_where_every_bargain_is_implausible_words_say_so_and_no_figure_is_made_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Api, "rows", [*ROWS[:60], {"price": 1_000}, {"price": 1_100}])
    with serving(Api) as port:
        page = _opened(port, monkeypatch, **{"market_part": "Bargains"})
        assert not page.exception
        assert "nan" not in _said(page)
        assert "Every advert below its interval is implausibly cheap" in page.info[0].value
        page.toggle(key="market-plausible").set_value(False).run()

    assert len(page.dataframe[0].value) == 2


def test_adverts_beyond_what_the_model_is_for_are_in_the_market_but_no_bargains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unjudged = {"price": 1, "prediction": None, "prediction_low": None, "prediction_high": None}

    monkeypatch.setattr(Api, "rows", [*ROWS, unjudged, unjudged])
    with serving(Api) as port:
        page = _opened(port, monkeypatch, **{"market_part": "Bargains"})

    assert "<b>92</b> of 92 adverts" in _said(page)
    assert "33\xa0% of 90 that have a prediction" in _said(page)
    assert len(page.dataframe[0].value) == 30


def test_the_analysis_compares_prices(page: AppTest) -> None:
    page.segmented_control(key="market-part").set_value("Market analysis").run()
    assert len(page.get("plotly_chart")) == 2
    assert "Too few adverts in any week" in page.info[0].value

    for by in ("Model", "Type", "Condition", "Age"):
        page.segmented_control(key="market-by").set_value(by).run()
        assert not page.exception


def test_an_api_that_keeps_its_data_to_itself_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Api):
        broken = True

    with serving(Broken) as port:
        page = _opened(port, monkeypatch)

    assert "The data are away. Ask later." in page.error[0].value
    assert not page.exception


def test_an_api_that_is_away_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Api) as port:
        pass
    page = _opened(port, monkeypatch)

    assert "does not answer" in page.error[0].value
    assert not page.exception
