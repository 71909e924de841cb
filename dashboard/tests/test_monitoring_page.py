"""The page Monitoring: what its charts draw, and what it says where something is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from overseer import Told, both, opened, said

from cockpit import look, traffic
from cockpit.charts import drift, runs
from cockpit.charts import traffic as drawn
from cockpit.sections.performance import absences

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def point(
    seconds: float, *, up: bool = True, requests: int = 20, p95: float | None = 2.0, **more: Any
) -> dict[str, Any]:
    counts = {"requests": requests, "predictions": requests, "errors_4xx": 0, "errors_5xx": 0}
    counts = {name: value if up else 0 for name, value in counts.items()}
    return {
        "at": (NOON + timedelta(seconds=seconds)).isoformat(),
        "up": up,
        "seconds": 10.0 if up else 0.0,
        "latency_p50_ms": 1.0 if up else None,
        "latency_p95_ms": p95 if up else None,
        **counts,
        **more,
    }


def feature(name: str, psi: float | None, state: str, **more: Any) -> dict[str, Any]:
    bins = {
        "labels": ["to 1e+03", "above 1e+03", "(missing)"],
        "reference": [0.6, 0.4, 0.0],
        "current": [0.1, 0.9, 0.0],
    }
    return {
        "feature": name,
        "psi": psi,
        "by_chance": 0.05,
        "test": "ks",
        "p_value": 0.0001,
        "wasserstein": 0.8,
        "state": state,
        "missing": 0.02,
        "missing_reference": 0.0,
        "bins": bins,
    } | more


def measured(minutes: int, kind: str, value: float, **more: Any) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    ends = {"low": value - 0.02, "high": value + 0.03, "reference": 0.86, "labelled": 400}
    return {"at": at, "kind": kind, "metric": "roc_auc", "value": value, **ends} | more


def run(minutes: int, decision: str, **more: Any) -> dict[str, Any]:
    return {
        "at": (NOON + timedelta(minutes=minutes)).isoformat(),
        "decision": decision,
        "reasons": [f"It is <{decision}>."],
        "model_version": "1",
        "days": 7.0,
        "predictions": 900,
        "labelled": 400,
        "drifted_share": 0.4,
        "report_url": "",
    } | more


def named(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def test_what_was_not_seen_is_a_gap_and_no_zero() -> None:
    points = [point(0), point(10), point(60, up=False), point(70, up=False), point(180)]
    steps = traffic.steps(points, 30)
    assert [step.requests for step in steps] == [120, None, None, None, None, None, 120]
    line = named(drawn.volume(steps, [], (NOON, NOON)), "Requests")
    assert list(line.y) == [120, None, None, None, None, None, 120]
    assert line.connectgaps is False
    assert line.marker.size[0] == 6, "a value between two gaps is a mark, as no line shows it"


def test_a_step_that_was_asked_nothing_has_no_latency_but_a_volume_of_zero() -> None:
    (step,) = traffic.steps([point(0, requests=0, latency_p50_ms=None, p95=None)], 30)
    assert (step.requests, step.p50, step.p95) == (0, None, None)


def test_a_step_tells_rates_per_minute_and_its_slowest_reading() -> None:
    (step,) = traffic.steps([point(0, requests=10, p95=3.0, errors_5xx=1), point(10, requests=30, p95=9.0)], 30)
    assert (step.requests, step.p95, step.errors_5xx) == (120, 9.0, 3)


def test_each_outage_is_shaded_from_the_last_answer_to_the_last_failure() -> None:
    points = [point(0), point(10, up=False), point(20, up=False), point(30), point(50, up=False)]
    spans = traffic.down_spans(points, 10.0)
    seconds = [tuple((end - NOON).total_seconds() for end in span) for span in spans]
    assert seconds == [(0, 20), (40, 50)]
    figure = drawn.volume(traffic.steps(points, 30), spans, (NOON, NOON + timedelta(minutes=15)))
    assert len(figure.layout.shapes) == 2
    assert named(figure, "API down")


def test_errors_are_bars_of_their_own_colour() -> None:
    steps = traffic.steps([point(0, errors_4xx=2, errors_5xx=1)], 30)
    figure = drawn.errors(steps, [], (NOON, NOON))
    refused, failed = named(figure, "4xx, refused"), named(figure, "5xx, failed")
    assert (list(refused.y), refused.marker.color) == ([12.0], look.WARN)
    assert (list(failed.y), failed.marker.color) == ([6.0], look.BAD)


def test_columns_are_ranked_with_limits_chance_and_states() -> None:
    columns = [feature("Age", 0.02, "ok"), feature("score", 0.4, "act"), feature("Balance", None, "unknown")]
    figure = drift.ranking(columns, {"watch": 0.1, "act": 0.2})
    assert list(figure.data[0].y) == ["Balance", "Age", "Score of the model"], "the last is drawn on top"
    assert list(figure.data[0].marker.color)[1:] == [look.ACCENT, look.BAD]
    assert [shape.x0 for shape in figure.layout.shapes] == [0.1, 0.2]
    assert list(named(figure, "by chance up to").x) == [0.05] * 3
    assert any("0.40 act" in text for trace in figure.data if trace.text is not None for text in trace.text)


def test_a_column_is_drawn_before_and_now_without_empty_bins_or_powers_of_ten() -> None:
    figure = drift.distributions(feature("Age", 0.4, "act"))
    before, now = figure.data
    assert list(before.x) == ["to 1,000", "above 1,000"]
    assert (list(before.y), list(now.y)) == ([0.6, 0.4], [0.1, 0.9])


def test_names_of_texts_are_left_as_they_are() -> None:
    assert drift.bin_names(["ford f-1500", "(other)"]) == ["ford f-1500", "(other)"]


@pytest.mark.parametrize(
    ("p_value", "words"), [(0.0001, "hardly ever (p < 0.001"), (0.3, "often (p = 0.3"), (None, "No ")]
)
def test_the_test_is_told_in_words(p_value: float | None, words: str) -> None:
    lines = drift.in_words(feature("Age", 0.4, "act", p_value=p_value))
    assert words in lines[1]
    assert "2.0 %" in lines[0]
    assert "0.8 standard deviations" in lines[2]


def test_the_share_that_drifted_has_both_limits_and_gaps() -> None:
    history = [
        {"at": run(each, "ok")["at"], "drifted_share": share, "decision": "ok"}
        for each, share in enumerate([0.1, None, 0.6])
    ]
    figure = drift.share_over_time(history, {"watch": 0.3, "act": 0.5})
    assert list(figure.data[0].y) == [0.1, None, 0.6]
    assert figure.data[0].connectgaps is False
    assert [shape.y0 for shape in figure.layout.shapes] == [0.3, 0.5]


def test_an_estimate_is_broken_where_a_run_has_none() -> None:
    points = [measured(0, "estimated", 0.85), measured(5, "estimated", 0.86), measured(15, "estimated", 0.84)]
    moments = [run(minutes, "ok")["at"] for minutes in (0, 5, 10, 15)]
    assert [len(part) for part in runs.unbroken(points, moments)] == [2, 1]


def test_real_values_have_error_bars_estimates_a_band_and_the_test_rows_a_line() -> None:
    points = [measured(0, "estimated", 0.85), measured(5, "estimated", 0.86), measured(5, "real", 0.80)]
    figure = runs.performance(points, "roc_auc", [], "")
    real = named(figure, "real, on labels")
    assert list(real.y) == [0.80]
    assert real.error_y.array[0] == pytest.approx(0.03)
    assert real.error_y.arrayminus[0] == pytest.approx(0.02)
    band = named(figure, "band of the estimate")
    assert band.fill == "toself"
    assert list(band.y) == pytest.approx([0.88, 0.89, 0.84, 0.83])
    assert set(named(figure, "on the test rows").y) == {0.86}


def test_why_a_figure_is_missing_is_told() -> None:
    assert "too few labels" in absences([measured(0, "estimated", 0.85)], "roc_auc")[0]
    assert "can be estimated" in absences([measured(0, "real", 0.85)], "roc_auc")[0]
    assert absences([measured(0, "real", 0.85), measured(0, "estimated", 0.85)], "roc_auc") == []


def test_decisions_have_their_colours_and_their_reasons_without_markup() -> None:
    figure = runs.decisions([run(5, "retrain"), run(0, "ok"), run(10, "roll back")])
    marks = figure.data[0]
    assert list(marks.y) == ["ok", "retrain", "roll back"]
    assert list(marks.marker.color) == [look.GOOD, look.BAD, look.BAD]
    assert marks.customdata[0][0] == "It is &lt;ok&gt;."


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
    for each in ("watch", "25.0 %", "2 hours", "7 of 9"):
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
