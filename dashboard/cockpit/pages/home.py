"""The portfolio: a card for each model, looked at anew every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from cockpit import look, models, words
from cockpit.models import Model, Watched
from cockpit.services import mlflow, monitoring

AGAIN_SECONDS = 4.0
ACTIONS = {"try": "Try it", "quality": "Quality", "monitoring": "Monitoring", "versions": "Versions"}


def show() -> None:
    """All models."""
    st.title("Model portfolio")
    st.caption("Every model that is served here: whether it answers, how good it is, and how its traffic looks.")
    _cards()


@st.fragment(run_every=AGAIN_SECONDS)
def _cards() -> None:
    found = models.models()
    watched = models.watched(tuple(model.name for model in found))
    healthy = sum(model.up for model in found)
    if not watched:
        st.warning(f"The monitoring service at {monitoring().shown} does not answer: traffic and drift are not known.")
    st.html(f'<p class="sum">{healthy} of {len(found)} models answer.</p>')
    for start in range(0, len(found), 3):
        columns = st.columns(3)
        for column, model in zip(columns, found[start : start + 3], strict=False):
            with column, st.container(border=True, key=f"card-{model.name}"):
                _card(model, watched.get(model.name, Watched()))


def _card(model: Model, watched: Watched) -> None:
    marks = [look.badge("healthy", look.GOOD) if model.up else look.badge("down", look.BAD)]
    if model.synthetic:
        marks.append(look.badge("synthetic data", look.WARN))
    st.html(f'<div class="head"><strong>{escape(model.title)}</strong>{"".join(marks)}</div>')
    if model.trouble:
        st.error(f"{model.trouble} {model.remedy}")
    st.html(look.facts(_facts(model, watched)))
    if watched.decision:
        st.html(f"Last decision {look.state_badge(watched.decision)} {words.ago(watched.at)}")
    else:
        st.html(f"Last decision {look.state_badge(None)}")
    with st.container(horizontal=True, gap="small"):
        for page, label in ACTIONS.items():
            st.button(label, key=f"{page}-{model.name}", on_click=_open, args=(page, model.name), type="tertiary")
    st.markdown(" · ".join(f"[{label}]({url})" for label, url in _links(model, watched).items()))


def _facts(model: Model, watched: Watched) -> Sequence[tuple[str, str, str]]:
    headline = model.info.get("task", {}).get("headline", "")
    figure = model.info.get("metrics", {}).get("model", {}).get(headline, {})
    quality = words.metric(headline, figure["value"], model.unit) if figure else words.NONE
    within = words.interval(headline, figure, model.unit) if figure else ""
    return (
        ("Version", model.version or words.NONE, f"live since {words.ago(model.info.get('since'))}"),
        (words.metric_name(headline) if headline else "Quality", quality, within),
        ("Predictions", words.number(watched.predictions), "in the last hour"),
        ("p95 latency", words.NONE if watched.p95_ms is None else f"{words.number(watched.p95_ms)} ms", ""),
        ("Drifted", words.percent(watched.drifted_share), "of the columns"),
    )


def _links(model: Model, watched: Watched) -> dict[str, str]:
    links = {"API docs": f"{model.service.shown}/docs"}
    if model.info.get("source") == "registry":
        links["MLflow"] = f"{mlflow().shown}/#/models/{model.name}/versions/{model.version}"
    report = f"{monitoring().shown}{watched.report_url}" if watched.report_url else f"{monitoring().shown}/"
    return links | {"Report" if watched.report_url else "Reports": report}


def _open(page: str, name: str) -> None:
    st.session_state.page, st.session_state.model = page, name
