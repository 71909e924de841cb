"""What the charts of the page Monitoring draw: gaps, limits, bands and colours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from watched import NOON, feature, measured, named, point, run

from cockpit import look
from cockpit.monitoring import traffic
from cockpit.monitoring.charts import drift, runs
from cockpit.monitoring.charts import traffic as drawn
from cockpit.monitoring.performance import absences


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
    assert "2.0\u00a0%" in lines[0]
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
