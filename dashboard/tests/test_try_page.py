"""The page that tries a model, drawn for an API that the dashboard has no line about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cockpit.services import Service
from cockpit.try_it import page as try_it
from dashboard.tests.orchard import DOCUMENT, EXAMPLE, PAGES, answer_to, orchard
from dashboard.tests.overseer import chart, lines, read, spinning

APP = Path(__file__).parents[1] / "view.py"
KEY = "try-orchard-"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is posted to the only API that there is."""
    with orchard() as (address, posted):
        monkeypatch.setenv("PORTFOLIO_APIS", address)
        monkeypatch.setenv("MONITORING_URL", address)
        Service.read(address).get("/", seconds=30)  # the first answer takes longest, and the page does not wait long
        st.cache_data.clear()
        yield posted


def opened(**state: Any) -> AppTest:
    page = AppTest.from_file(str(APP), default_timeout=60)
    page.query_params.update({"page": "try", "model": "orchard"})
    for name, value in state.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception
    assert not page.error, page.error[0].value
    return page


def told(page: AppTest) -> str:
    """All HTML and Markdown of the page."""
    return " ".join([each.value for each in page.markdown] + [each.proto.body for each in page.get("html")])


def test_an_unknown_project_gets_a_form_of_its_own_that_starts_with_the_example(asked: list[str]) -> None:
    page = opened()
    assert page.slider(key=f"{KEY}rings").value == 12
    assert page.slider(key=f"{KEY}acidity").value == 6.5
    assert page.selectbox(key=f"{KEY}soil").options == ["clay", "sand", "loam"]
    assert page.toggle(key=f"{KEY}organic").value is True
    assert page.text_input(key=f"{KEY}station").value == "north"
    assert page.number_input(key=f"{KEY}rain").value == 812.5


def test_the_answer_is_told_in_words_and_the_data_called_synthetic(asked: list[str]) -> None:
    text = told(opened())
    assert "Blight: no" in text
    assert "29.9\u00a0% stays below the threshold of 40.0\u00a0%." in text
    assert "Spray" in text
    assert "synthetic data" in text
    assert "prediction_id" not in text


def test_a_spinner_turns_while_the_answer_and_the_what_if_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    turning, seen = spinning(monkeypatch), []

    def observed(row: dict[str, Any]) -> dict[str, Any]:
        seen.append("".join(turning))
        return answer_to(row)

    monkeypatch.setattr("dashboard.tests.orchard.answer_to", observed)
    opened()
    assert list(dict.fromkeys(seen)) == ["Asking the model …", "Asking the model about each value …"]
    assert turning == []


def test_the_gauge_shows_the_probability_and_the_threshold(asked: list[str]) -> None:
    (gauge,) = chart(opened(), "try-gauge")["data"]
    assert gauge["value"] == pytest.approx(29.9, abs=0.05)
    assert gauge["gauge"]["threshold"]["value"] == 40
    assert gauge["gauge"]["steps"][0]["range"] == [40, 100]


def test_the_waterfall_leads_from_the_average_case_to_the_answer(asked: list[str]) -> None:
    told = answer_to(EXAMPLE)["explanation"]
    (waterfall,) = chart(opened(), "try-why")["data"]
    assert (waterfall["measure"][0], waterfall["measure"][-1]) == ("absolute", "total")
    assert waterfall["x"][0] == told["base"]
    assert sum(waterfall["x"][:-1]) == pytest.approx(waterfall["x"][-1]) == pytest.approx(told["answer"])
    assert [waterfall["customdata"][place][0] for place in (0, -1)] == [
        "Average case: 37.8\u00a0%",
        "Answer: 29.9\u00a0%",
    ]


def test_what_if_is_a_curve_through_the_answer_or_bars_with_the_threshold(asked: list[str]) -> None:
    page = opened()
    page.selectbox(key=f"{KEY}:what-if").set_value("rings").run()
    curve = chart(page, "try-what-if")
    line, now = curve["data"]
    assert (line["x"][0], line["x"][-1]) == (1, 200)
    assert line["y"] == sorted(line["y"])
    assert (now["x"], now["y"]) == ([12], [pytest.approx(0.299, abs=0.0005)])
    assert lines(curve, "y0") == [0.4]
    page.selectbox(key=f"{KEY}:what-if").set_value("soil").run()
    bars = chart(page, "try-what-if")
    assert bars["data"][0]["y"] == ["clay", "sand", "loam"]
    assert bars["data"][0]["text"][0] == "29.9\u00a0% · now"
    assert lines(bars, "x0") == [0.4]


def test_a_change_asks_again_and_reset_brings_the_example_back(asked: list[str]) -> None:
    page = opened()
    page.slider(key=f"{KEY}rings").set_value(60).run()
    assert "Blight: yes" in told(page)
    page.button(key="try-reset").click().run()
    assert page.slider(key=f"{KEY}rings").value == EXAMPLE["rings"]
    assert "Blight: no" in told(page)


def test_what_is_optional_can_be_emptied_at_once(asked: list[str]) -> None:
    page = opened()
    page.button(key="try-empty").click().run()
    assert page.number_input(key=f"{KEY}rain").value is None
    assert page.slider(key=f"{KEY}rings").value == EXAMPLE["rings"]
    assert not page.exception


def test_what_the_api_refuses_is_said_at_the_field(asked: list[str]) -> None:
    page = opened()
    page.text_input(key=f"{KEY}station").set_value("").run()
    assert any("is missing (a text)" in each.value for each in page.caption)
    assert "Station is missing" in page.warning[0].value


def test_a_number_beyond_its_bounds_is_refused_in_words_and_leaves_no_other_numbers_answer(asked: list[str]) -> None:
    page = opened()
    page.number_input(key=f"{KEY}rain").set_value(-5.0).run()
    assert any("must be at least 0" in each.value for each in page.caption)
    assert "No answer yet" in page.warning[0].value
    assert "Blight:" not in told(page)


def test_what_came_of_a_file_stays_until_it_is_taken_away(asked: list[str]) -> None:
    page = opened(view=try_it.FILE)
    page.file_uploader[0].upload("trees.csv", b"rings,acidity,soil,organic,station\n3,5,clay,0,west\n").run()
    page.session_state["view"] = try_it.CASE
    page.run()
    page.session_state["view"] = try_it.FILE
    page.run()
    assert "**1 of 1 rows scored** of trees.csv" in told(page)


def test_everything_that_is_tried_is_a_dry_run(asked: list[str]) -> None:
    page = opened()
    page.selectbox(key=f"{KEY}:what-if").set_value("soil").run()
    page = opened(view=try_it.FILE)
    page.file_uploader[0].upload("trees.csv", b"rings,acidity,soil,organic,station\n3,5,clay,0,west\n").run()
    assert {path.partition("?")[0] for path in asked} == {"/predict", "/predict/batch"}
    assert all("dry_run=true" in path for path in asked)


def test_a_file_is_scored_and_its_bad_rows_are_named(asked: list[str]) -> None:
    page = opened(view=try_it.FILE)
    rows = "rings,acidity,soil,organic,station,id\n3,5,clay,0,west,a\n3,0,clay,0,west,b\n3,5,clay,0,,c\n"
    page.file_uploader[0].upload("trees.csv", rows.encode()).run()
    assert not page.exception
    assert "**1 of 3 rows scored**" in told(page)
    assert "Line 3: acidity must be above 0" in page.warning[0].value
    assert "Line 4: station is empty" in page.warning[0].value
    assert "`id`" in page.info[0].value
    table = page.dataframe[0].value
    assert list(table["id"]) == ["a", "b", "c"]
    assert table["blight_probability"].notna().tolist() == [True, False, False]


def test_a_file_that_lacks_a_column_is_not_sent(asked: list[str]) -> None:
    page = opened(view=try_it.FILE)
    page.file_uploader[0].upload("trees.csv", b"rings,acidty,soil,organic,station\n3,5,clay,0,west\n").run()
    assert "lacks `acidity` (is `acidty` it?)" in read(page.error[0].value)
    assert not asked


def test_an_amount_is_shown_with_its_interval_and_its_place_among_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = DOCUMENT | {"paths": DOCUMENT["paths"] | {"/data": {}}}
    columns = {"station": ["north", "south", "south", None], "harvest": [1.0, 2.0, 3.0, 4.0]}
    about = {"task": {"kind": "regression", "target": "harvest", "unit": "kg", "coverage": 0.9}}
    pages = PAGES | {"/openapi.json": document, "/data": {"rows": 4, "columns": columns}, "/model/info": about}
    row = {"tonnage": 2.5, "least_low": 1.5, "most_high": 3.5, "model_version": "7"}
    monkeypatch.setattr("dashboard.tests.orchard.answer_to", lambda _: row)
    with orchard(pages) as (address, _):
        monkeypatch.setenv("PORTFOLIO_APIS", address)
        st.cache_data.clear()
        page = opened()
    assert page.selectbox(key=f"{KEY}station").options == ["south", "north"]
    assert "Probably between 2 kg and 4 kg. Over all cases, 90\u00a0% of such intervals hold the truth." in told(page)
    assert "Higher than 50\u00a0% of the 4 rows" in told(page)
    drawn = chart(page, "try-interval")
    assert sum(drawn["data"][0]["y"]) == 3, "all but the largest of the rows, which is beyond the last bar"
    assert list(zip(lines(drawn, "x0"), lines(drawn, "x1"), strict=True)) == [(1.5, 3.5), (2.5, 2.5)]


def test_an_api_that_stops_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with orchard() as (address, _):
        monkeypatch.setenv("PORTFOLIO_APIS", address)
        st.cache_data.clear()
        page = opened()
    page.slider(key=f"{KEY}rings").set_value(60).run()
    assert not page.exception
    assert "does not answer" in page.error[0].value
