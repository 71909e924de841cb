"""The portfolio: a card for each model, looked at anew every few seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from cockpit import address, look, models, words
from cockpit.models import Drift, Model, Watched
from cockpit.plugins import pages_of
from cockpit.services import mlflow, monitoring

AGAIN_SECONDS = 4.0
A_ROW = 3
DRIFTS = {
    "ok": ("no drift", look.GOOD),
    "watch": ("some drift", look.WARN),
    "act": ("strong drift", look.BAD),
    "unknown": ("not known", look.UNKNOWN),
}
"""State of a model's drift, in words."""
NAMED = 3  # columns that drifted, in a card


def show(pages: Mapping[str, str]) -> None:
    """All models; `pages` are the labels of the pages that each of them has."""
    st.title("Model portfolio")
    st.caption("Every model that is served here: whether it answers, how good it is, and how its traffic looks.")
    _cards(dict(pages))


@st.fragment(run_every=AGAIN_SECONDS)
def _cards(pages: dict[str, str]) -> None:
    models.begin()
    found = models.models()
    watched = models.watched(tuple(model.name for model in found))
    silent = models.silent()
    st.html(_summary(found))
    if monitoring() in silent:
        st.warning(
            f"Monitoring at {monitoring().shown} does not answer: traffic, drift and decisions are not known. "
            "`make health` tells what runs."
        )
    if mlflow() in silent:
        st.warning(
            f"MLflow at {mlflow().shown} does not answer. The models serve on; runs and versions can't be opened, "
            "and nothing can be promoted, until it is back."
        )
    for start in range(0, len(found), A_ROW):
        columns = st.columns(A_ROW)
        for column, model in zip(columns, found[start : start + A_ROW], strict=False):
            with column, st.container(border=True, key=f"card-{model.name}"):
                _card(model, watched.get(model.name), pages)


def _summary(found: Sequence[Model]) -> str:
    healthy = sum(model.up for model in found)
    text = f"{healthy} of {len(found)} models answer"
    return f'<p class="sum" role="status">{look.dot(look.GOOD if healthy == len(found) else look.BAD)}{text}</p>'


def _card(model: Model, watched: Watched | None, pages: Mapping[str, str]) -> None:
    st.html(_head(model))
    if model.trouble:
        look.error(model.trouble, model.remedy)
    st.html(look.facts(_facts(model, watched or Watched())))
    st.html(_judged(watched))
    with st.container(horizontal=True, gap="small", key=f"open-{model.name}"):
        own = {page: label for page, (label, _) in pages_of(model.name).items()}
        for page, label in {**pages, **own}.items():
            if st.button(label, key=f"home-{page}-{model.name}"):
                address.write(page, model.name)
                st.rerun()
    st.html(_links(model, watched or Watched()))


def _head(model: Model) -> str:
    marks = [look.badge("healthy", look.GOOD) if model.up else look.badge("down", look.BAD)]
    if model.synthetic:
        marks.append(look.badge("synthetic data", look.WARN))
    return f'<div class="card-head"><h3>{escape(model.title)}</h3><div>{"".join(marks)}</div></div>'


def _facts(model: Model, watched: Watched) -> Sequence[tuple[str, str, str]]:
    headline = model.info.get("task", {}).get("headline", "")
    figure = model.info.get("metrics", {}).get("model", {}).get(headline, {})
    quality = words.metric(headline, figure["value"], model.unit) if figure else words.NONE
    within = f"95 %: {words.interval(headline, figure, model.unit)}" if figure else ""
    since = model.info.get("since")
    slow = words.NONE if watched.p95_ms is None else f"{words.number(watched.p95_ms, 2)} ms"
    return (
        ("Version", model.version or words.NONE, f"live for {words.since(since)}" if since else ""),
        (words.metric_name(headline) if headline else "Quality", quality, within),
        ("Predictions", words.number(watched.predictions), "in the last hour"),
        ("p95 latency", slow, "in the last hour"),
    )


def _judged(watched: Watched | None) -> str:
    if watched is None:
        return look.lines([(what, look.badge("not known", look.UNKNOWN), "") for what in ("Drift", "Last decision")])
    text, colour = DRIFTS[watched.drift.state]
    reason = f"{words.ago(watched.at)}: {watched.reasons[0]}" if watched.reasons else words.ago(watched.at)
    return look.lines(
        [
            ("Drift", look.badge(text, colour), drift_note(watched.drift)),
            ("Last decision", look.state_badge(watched.decision or None), reason if watched.decision else ""),
        ]
    )


def drift_note(drift: Drift) -> str:
    """The share that drifted against its limit, and which columns did."""
    if drift.share is None:
        return "no recent traffic was judged"
    limit = f" (limit {words.percent(drift.limit)})" if drift.limit is not None else ""
    more = len(drift.columns) - NAMED
    named = ", ".join(drift.columns[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{words.percent(drift.share)} of the columns drifted{limit}" + (f": {named}" if named else "")


def _links(model: Model, watched: Watched) -> str:
    links = {"API docs": f"{model.service.shown}/docs"} if model.up else {}
    if model.info.get("source") == "registry":
        page = models.run_of(model) or f"models/{model.name}/versions/{model.version}"
        links["MLflow"] = f"{mlflow().shown}/#/{page}"
    links |= {"Drift report": f"{monitoring().shown}{watched.report_url}"} if watched.report_url else {}
    links["All reports"] = f"{monitoring().shown}/"
    each = (f'<a href="{escape(url)}" target="_blank" rel="noopener">{label}</a>' for label, url in links.items())
    return f'<p class="links">{"".join(each)}</p>'
