"""The page Monitoring: what it tells, and what it says where something is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from overseer import Asked, Told, both, chart, lines, opened, said, spinning
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


def test_a_spinner_turns_while_each_part_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]
) -> None:
    overseer, api = services
    turning, seen = spinning(monkeypatch), set()

    def observed(told: Any) -> Callable[[Asked], Any]:
        def answer(asked: Asked) -> Any:
            seen.add((asked.path, "".join(turning)))
            return told

        return answer

    overseer.answers = {asked: observed(told) for asked, told in overseer.answers.items()}
    opened("monitoring", api)
    found = "Asking for drift, performance and decisions …"
    assert seen == {
        ("/runs", "Asking for the last decision …"),
        ("/traffic", "Asking for the traffic …"),
        *((path, found) for path in ("/drift", "/performance", "/runs")),
    }
    assert turning == []


def values(drawn: dict[str, Any]) -> dict[str, list[Any]]:
    """What the named traces of a chart have on their y axis."""
    return {trace["name"]: trace["y"] for trace in drawn["data"] if "name" in trace}


def test_volume_latency_and_errors_are_drawn(services: tuple[Told, Told]) -> None:
    overseer, api = services
    _, told = overseer.answers["GET /traffic"]
    told["points"][0] |= {"requests": 23, "errors_4xx": 2, "errors_5xx": 1}
    app = opened("monitoring", api)
    assert values(chart(app, "volume-toy")) == {"Requests": [138.0], "Predictions": [120.0]}
    assert values(chart(app, "latency-toy")) == {"p50": [1.0], "p95": [2.0]}
    assert values(chart(app, "errors-toy")) == {"4xx, refused": [12.0], "5xx, failed": [6.0]}


def test_drift_is_drawn_by_column_and_over_time_with_its_thresholds(services: tuple[Told, Told]) -> None:
    app = opened("monitoring", services[1])
    columns, share = chart(app, "psi-toy"), chart(app, "share-toy")
    assert (columns["data"][0]["y"], columns["data"][0]["x"]) == (["Balance", "Age"], [0.01, 0.4])
    assert lines(columns, "x0") == [0.1, 0.2]
    assert share["data"][0]["y"] == [0.4]
    assert lines(share, "y0") == [0.3, 0.5]
    assert [trace["name"] for trace in share["data"][1:]] == ["watch from 30%", "act from 50%"]


def test_performance_is_drawn_with_bands_and_the_decisions_as_a_timeline(services: tuple[Told, Told]) -> None:
    overseer, api = services
    points = [measured(0, "estimated", 0.85), measured(5, "estimated", 0.86), measured(5, "real", 0.8)]
    overseer.answers["GET /performance"] = (200, performance(points))
    app = opened("monitoring", api)
    drawn = chart(app, "performance-toy")
    assert values(drawn)["real, on labels"] == [0.8]
    assert values(drawn)["estimated without labels"] == [0.85, 0.86]
    assert values(drawn)["band of the estimate"] == pytest.approx([0.88, 0.89, 0.84, 0.83])
    (timeline,) = chart(app, "decisions-toy")["data"]
    assert (timeline["y"], timeline["x"]) == (["ok", "watch"], [NOON.isoformat(), run(5, "ok")["at"]])


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
