"""How a model's traffic looks: volume, errors, latency, drift, performance, and what the runs decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import streamlit as st

from cockpit import look, words
from cockpit.models import Model
from cockpit.monitoring import drift, performance
from cockpit.monitoring import traffic as over_time
from cockpit.monitoring.charts import traffic as drawn
from cockpit.services import ServiceError, monitoring, together

TRAFFIC_SECONDS, RUNS_SECONDS = 10.0, 30.0
RUNS = 200
Facts = Mapping[str, Any]


def show(model: Model) -> None:
    """Three parts that look anew by themselves: the last decision, the traffic, and what the runs found."""
    note = "Traffic is read every 10 seconds, what the monitoring runs found every 30; times are UTC."
    look.head(model.title, note, synthetic=model.synthetic)
    _last(model.name)
    _traffic(model.name)
    _found(model.name, model.unit)


@st.fragment(run_every=RUNS_SECONDS)
def _last(name: str) -> None:
    try:
        with st.spinner("Asking for the last decision …"):
            runs = monitoring().get("/runs", project=name, limit=1)["runs"]
    except ServiceError as error:
        look.error("What the monitoring runs found is not known:", error.words, error.remedy)
        return
    if not runs:
        st.info("No monitoring run has looked at this model yet. The monitoring service does so every few minutes.")
        return
    run = runs[0]
    with st.container(border=True):
        st.html(
            f'<div class="head"><strong>Last decision</strong>{look.state_badge(run["decision"])}'
            f"<span>{words.ago(run['at'])}</span></div>"
        )
        st.markdown("\n".join(f"- {words.plain(reason)}" for reason in run["reasons"]))
        st.html(look.facts(_facts(run)))
        _report(run)


def _facts(run: Facts) -> Sequence[tuple[str, str, str]]:
    return (
        ("Version", run["model_version"] or words.NONE, ""),
        ("Predictions", words.number(run["predictions"], 4), f"of the last {run['days']:g} days"),
        ("Labels", words.number(run["labelled"], 4), "of any version"),
        ("Columns drifted", words.percent(run["drifted_share"]), ""),
    )


def _report(run: Facts) -> None:
    if run["report_url"]:
        st.link_button(
            "Open the Evidently report", f"{monitoring().shown}{run['report_url']}", icon=":material/lab_profile:"
        )
    else:
        st.caption(
            "The last run has no Evidently report: it had nothing to compare, or the report made room for newer ones."
        )


@st.fragment(run_every=TRAFFIC_SECONDS)
def _traffic(name: str) -> None:
    st.subheader("Traffic")
    minutes = st.segmented_control(
        "Period",
        list(over_time.PERIODS),
        format_func=over_time.PERIODS.__getitem__,
        default=60,
        required=True,
        key="minutes",
        bind="query-params",
        label_visibility="collapsed",
    )
    minutes = minutes or 60
    try:
        with st.spinner("Asking for the traffic …"):
            said = monitoring().get("/traffic", project=name, minutes=minutes)
    except ServiceError as error:
        look.error("Traffic is not known:", error.words, error.remedy)
        return
    now = datetime.now(UTC)
    _draw(said, (now - timedelta(minutes=minutes), now), over_time.STEPS[minutes], name)


def _draw(said: Facts, shown: tuple[datetime, datetime], seconds: int, name: str) -> None:
    points = said["points"]
    steps, down = over_time.steps(points, seconds), over_time.down_spans(points, said["interval_seconds"])
    asked, refused, failed = (over_time.total(points, each) for each in ("requests", "errors_4xx", "errors_5xx"))
    predicted = over_time.total(points, "predictions")
    if not points:
        st.info("Nobody has looked at this model's traffic in this period.")
        return
    if not points[-1]["up"]:
        st.error("The API does not answer at the moment. `make health` tells what runs.")
    st.caption(f"{predicted:,} predictions in {asked:,} requests, {refused:,} refused (4xx), {failed:,} failed (5xx).")
    what = f"of {name} over time, {predicted} predictions in {asked} requests"
    look.chart(drawn.volume(steps, down, shown), key=f"volume-{name}", height=260, alt=f"Volume {what}")
    left, right = st.columns(2)
    with left:
        st.markdown("**Latency**")
        look.chart(drawn.latency(steps, down, shown), key=f"latency-{name}", height=260, alt=f"Latency {what}")
    with right:
        st.markdown("**Errors**")
        if refused or failed:
            look.chart(drawn.errors(steps, down, shown), key=f"errors-{name}", height=260, alt=f"Errors {what}")
        else:
            st.success("No request was refused and none failed in this period.")
    st.caption("p95 is the slowest of the 10-second readings in each step. A gap: nothing was asked, or nobody looked.")


@st.fragment(run_every=RUNS_SECONDS)
def _found(name: str, unit: str) -> None:
    service = monitoring()
    with st.spinner("Asking for drift, performance and decisions …"):
        drifted, performed, runs = together(
            partial(service.get, "/drift", project=name),
            partial(service.get, "/performance", project=name),
            partial(service.get, "/runs", project=name, limit=RUNS),
        )
    trouble = next((each for each in (drifted, performed, runs) if isinstance(each, ServiceError)), None)
    if trouble:
        look.error("Drift, performance and decisions are not all known:", trouble.words, trouble.remedy)
    if not isinstance(drifted, ServiceError):
        drift.show(drifted)
    if not isinstance(performed, ServiceError):
        past = () if isinstance(drifted, ServiceError) else tuple(each["at"] for each in drifted["history"])
        performance.show(performed, past, unit)
    if not isinstance(runs, ServiceError):
        performance.show_runs(runs["runs"], name)
