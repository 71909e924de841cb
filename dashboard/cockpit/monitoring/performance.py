"""Performance of a model, real and estimated, and the decisions of the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cockpit import look, words
from cockpit.monitoring.charts import runs as drawn
from cockpit.services import monitoring

Facts = Mapping[str, Any]
LISTED = 50
REPORT = "Report"


def show(performance: Facts, moments: Sequence[str], unit: str) -> None:
    """What GET /performance says of one project; `moments` are the times of all runs."""
    name, points = performance["project"], performance["points"]
    st.subheader("Performance")
    st.html(look.facts(_facts(performance)))
    metrics = drawn.metrics_of(points)
    if not metrics:
        st.info(
            "No performance is known yet. It is measured where labels have come (bring them on the page Versions), and "
            "estimated without labels where the answer is a probability."
        )
        return
    metric = st.segmented_control(
        "Metric",
        metrics,
        format_func=words.metric_name,
        default=metrics[0],
        required=True,
        key=f"monitoring-metric-{name}",
        label_visibility="collapsed",
    )
    metric = metric if metric in metrics else metrics[0]
    in_unit = unit if metric in words.AMOUNTS else ""
    figure = drawn.performance(points, metric, moments, in_unit)
    look.chart(figure, key=f"performance-{name}", height=320, alt=f"{words.metric_name(metric)} over time")
    for sentence in absences(points, metric):
        st.caption(sentence)


def absences(points: Sequence[Facts], metric: str) -> list[str]:
    """Why a kind of figure is not there, in words."""
    kinds = {point["kind"] for point in points if point["metric"] == metric and point["value"] is not None}
    sentences = []
    if "real" not in kinds:
        sentences.append("No real value: too few labels have come for predictions of the live version.")
    if "estimated" not in kinds:
        sentences.append("No estimate: only metrics of a probability can be estimated without labels.")
    return sentences


def show_runs(runs: Sequence[Facts], name: str) -> None:
    """The decisions as a timeline, and the last runs with their reasons."""
    st.subheader("Decisions")
    if not runs:
        st.info("No monitoring run has looked at this model yet.")
        return
    look.chart(drawn.decisions(runs), key=f"decisions-{name}", height=240, alt=f"Decisions, last {runs[0]['decision']}")
    listed = runs[:LISTED]
    st.dataframe(
        {
            "When (UTC)": [words.moment(run["at"]).replace(tzinfo=None) for run in listed],
            "Decision": [run["decision"] for run in listed],
            "Reasons": [" ".join(run["reasons"]) for run in listed],
            "Predictions": [run["predictions"] for run in listed],
            "Labels": [run["labelled"] for run in listed],
            "Drifted": [words.percent(run["drifted_share"]) for run in listed],
            "Version": [run["model_version"] for run in listed],
            REPORT: [f"{monitoring().shown}{run['report_url']}" if run["report_url"] else "" for run in listed],
        },
        column_config={
            "When (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Reasons": st.column_config.TextColumn(width="large"),
            REPORT: st.column_config.LinkColumn(display_text="open", help="Evidently's; the newest are kept"),
        },
        hide_index=True,
        key=f"runs-{name}",
    )
    without = sum(not run["report_url"] for run in listed)
    if without:
        st.caption(
            f"{without} of these {len(listed)} runs: no Evidently report, as there was nothing to compare, or it made "
            "room for newer ones."
        )


def _facts(performance: Facts) -> Sequence[tuple[str, str, str]]:
    delay, hits = performance["label_delay_seconds"], performance["hit_rate"]
    held = f"{hits['hits']} of {hits['of']}" if hits else words.NONE
    return (
        ("Labels", words.number(performance["labelled"], 4), "in the window, of any version"),
        ("Label coverage", words.percent(performance["label_coverage"], 1), "of the window's predictions"),
        ("Label delay", words.NONE if delay is None else words.duration(delay), "median"),
        ("The estimate held", held, "bands that had the real value" if hits else "no band could be judged yet"),
    )
