"""The page Monitoring: what it tells, and what it says where something is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from overseer import Told, both, opened, said
from watched import NOON, feature, measured, point, run


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Told, Told]]:
    with both() as (overseer, api):
        monkeypatch.setenv("MONITORING_URL", f"{overseer.address}=http://shown:8010")
        limits = {"watch": 0.3, "act": 0.5}
        found = {
            "project": "toy",
            "at": NOON.isoformat(),
            "model_version": "1",
            "drifted_share": 0.4,
            "decision": "watch",
        }
        policy = {"psi": {"watch": 0.1, "act": 0.2}, "drifted": limits}
        history = [{"at": NOON.isoformat(), "decision": "watch", "drifted_share": 0.4, "score_psi": 0.1}]
        looked = [feature("Age", 0.4, "act"), feature("Balance", 0.01, "ok")]
        now = datetime.now(UTC)
        recent = [point(0) | {"at": (now - timedelta(seconds=20)).isoformat()}]
        overseer.answers = {
            "GET /runs": (200, {"runs": [run(5, "watch", report_url="/reports/toy.html"), run(0, "ok")]}),
            "GET /drift": (200, found | {"features": looked, "history": history, "policy": policy}),
            "GET /performance": (200, performance([measured(0, "real", 0.8)])),
            "GET /traffic": (200, {"project": "toy", "interval_seconds": 10.0, "points": recent}),
        }
        yield overseer, api


def performance(points: list[dict[str, Any]]) -> dict[str, Any]:
    hits = {"hits": 7, "of": 9}
    return {
        "project": "toy",
        "labelled": 400,
        "label_coverage": 0.25,
        "label_delay_seconds": 7300.0,
        "hit_rate": hits,
        "points": points,
    }


def test_the_page_tells_all_parts(services: tuple[Told, Told]) -> None:
    app = opened("monitoring", services[1])
    assert not app.exception
    assert [each.value for each in app.subheader] == ["Traffic", "Drift", "Performance", "Decisions"]
    assert not app.error
    shown = "".join(each.proto.body for each in app.get("html"))
    for each in ("watch", "25.0\u00a0%", "2 hours", "7 of 9"):
        assert each in shown
    assert app.get("link_button")[0].proto.url == "http://shown:8010/reports/toy.html"
    assert app.dataframe[0].value["Decision"].tolist() == ["watch", "ok"]


def test_the_chosen_column_is_the_one_drawn(services: tuple[Told, Told]) -> None:
    app = opened("monitoring", services[1])
    assert app.selectbox[0].value == "Age", "the one that moved most comes first"
    app.selectbox[0].select("Balance").run()
    assert any('"Balance"' in each.proto.spec for each in app.get("plotly_chart"))


def test_another_period_is_asked_for(services: tuple[Told, Told]) -> None:
    overseer, api = services
    asked: list[str] = []

    def answer(request: Any) -> Any:
        asked.append(request.query)
        return 200, {"project": "toy", "interval_seconds": 10.0, "points": []}

    overseer.answers["GET /traffic"] = answer
    app = opened("monitoring", api)
    app.segmented_control(key="minutes").set_value(1440).run()
    assert "minutes=60" in asked[0]
    assert "minutes=1440" in asked[-1]


def test_a_model_that_nobody_looked_at_is_told_so(services: tuple[Told, Told]) -> None:
    overseer, api = services
    _, drifted = overseer.answers["GET /drift"]
    overseer.answers |= {
        "GET /runs": (200, {"runs": []}),
        "GET /drift": (200, drifted | {"at": None, "features": [], "history": [], "drifted_share": None}),
        "GET /performance": (
            200,
            performance([]) | {"label_coverage": None, "label_delay_seconds": None, "hit_rate": None},
        ),
        "GET /traffic": (200, {"project": "toy", "interval_seconds": 10.0, "points": []}),
    }
    app = opened("monitoring", api)
    assert not app.exception
    for words in (
        "No monitoring run has looked",
        "No run could judge drift",
        "No performance is known",
        "Nobody has looked",
    ):
        assert words in said(app)


def test_one_answer_that_fails_leaves_the_others_drawn(services: tuple[Told, Told]) -> None:
    overseer, api = services
    overseer.answers["GET /drift"] = (503, {"detail": "The store is away.", "remedy": "Start it."})
    app = opened("monitoring", api)
    assert not app.exception
    assert "The store is away. Start it." in said(app)
    assert [each.value for each in app.subheader] == ["Traffic", "Performance", "Decisions"]


def test_a_monitoring_service_that_is_away_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]
) -> None:
    monkeypatch.setenv("MONITORING_URL", "http://127.0.0.1:9")
    app = opened("monitoring", services[1])
    assert not app.exception
    assert "does not answer" in said(app)


def test_an_api_that_is_down_now_is_told(services: tuple[Told, Told]) -> None:
    overseer, api = services
    recent = [point(0, up=False) | {"at": datetime.now(UTC).isoformat()}]
    overseer.answers["GET /traffic"] = (200, {"project": "toy", "interval_seconds": 10.0, "points": recent})
    assert "The API does not answer at the moment" in said(opened("monitoring", api))


def test_an_address_of_something_else_is_told_in_words(services: tuple[Told, Told]) -> None:
    overseer, api = services
    overseer.answers = dict.fromkeys(overseer.answers, (200, "<html>"))
    overseer.raw = True
    app = opened("monitoring", api)
    assert not app.exception
    assert "not as a service of the portfolio" in said(app)
