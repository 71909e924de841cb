"""The market of CarVision: its page over a small answer of GET /data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import pytest
import streamlit as st
from advertised import columns
from overseer import chart
from streamlit.testing.v1 import AppTest

from cockpit.plugins.market import counts
from tests.answering import serving

ROWS = [{"price": 9_000 + at, "model_year": 2005 + at % 3} for at in range(60)]
ROWS += [{"model": "kia rio", "type": "sedan", "price": 3_000, "prediction_low": 5_000} for _ in range(30)]


class Api(BaseHTTPRequestHandler):
    """CarVision as far as the page asks it."""

    rows = ROWS
    asked: ClassVar[list[str]] = []
    broken = False

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
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


def test_the_trend_is_drawn_of_weeks_with_enough_adverts(monkeypatch: pytest.MonkeyPatch) -> None:
    weeks = (("2019-04-03", 9_000, 21), ("2019-04-10", 8_000, 21), ("2019-04-17", 1_000, counts.FEW - 1))
    rows = [{"date_posted": day, "price": price + at} for day, price, many in weeks for at in range(many)]

    monkeypatch.setattr(Api, "rows", rows)
    with serving(Api) as port:
        page = _opened(port, monkeypatch, **{"market_part": "Market analysis"})

    high, low, middle = chart(page, "market-trend")["data"]
    assert [at[:10] for at in middle["x"]] == ["2019-04-01", "2019-04-08"]
    assert (low["y"], middle["y"], high["y"]) == ([9_005, 8_005], [9_010, 8_010], [9_015, 8_015])


def test_the_data_are_asked_for_once_however_often_the_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Api, "asked", [])
    with serving(Api) as port:
        page = _opened(port, monkeypatch)
        page.multiselect(key="market-make").select("kia").run()
        page.slider(key="market-price").set_value((1_000, 9_000)).run()
        page.segmented_control(key="market-part").set_value("Bargains").run()

    assert "<b>30</b> of 90 adverts" in _said(page)
    assert Api.asked.count("/data") == 1


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
