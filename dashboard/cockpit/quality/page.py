"""How good a model is: against baselines and the version before, where it is weaker, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from cockpit import look, metrics, words
from cockpit.metrics import Figure, Figures
from cockpit.models import Model
from cockpit.quality import charts, slices
from cockpit.quality.model_card import rendered
from cockpit.services import Service, ServiceError, monitoring, together

FRESH_SECONDS = 5.0
BESIDE = {"defaults": "LightGBM defaults", "dummy": "Dummy"}
"""Baselines in the order shown; others follow."""
Compared = Sequence[tuple[str, Figures]]


def show(model: Model) -> None:
    """The page."""
    note = "How good the live model is, measured on rows that it has never seen."
    look.head(model.title, note, synthetic=model.synthetic)
    if model.trouble:
        look.error(model.trouble, model.remedy)
    told, card = _beside(model.service, model.name, model.version)
    if model.info:
        st.html(look.facts(_facts(model.info)))
        if model.synthetic:
            st.caption("Trained and tested on a synthetic sample: the figures say nothing about real cases.")
    _against(model, told)
    if model.info:
        _curves(model)
        slices.draw(model)
        _importance(model.info)
    with st.expander("Model card", icon=":material/description:"):
        if isinstance(card, ServiceError):
            look.warning("The model card can't be shown:", card.words, card.remedy)
        else:
            st.markdown(rendered(card))


@st.cache_data(ttl=FRESH_SECONDS, show_spinner="Asking for versions and the model card …")
def _beside(service: Service, name: str, version: str) -> list[Any]:  # noqa: ARG001  another version, another card
    """What is known of all versions, and the card of the live one; a ServiceError where one can't be had."""
    return together(partial(monitoring().get, f"/versions/{name}"), partial(service.text, "/model/card"))


def _facts(info: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    data, parity = info.get("data", {}), info.get("parity", {})
    commit = str(info.get("git_commit", ""))
    differs = f"{words.number(parity.get('rows'))} rows, differs by {words.number(parity.get('largest_difference'), 2)}"
    return (
        ("Trained", words.ago(info.get("created")), str(info.get("created", ""))[:10]),
        ("Rows", words.number(info.get("train_rows")), f"and {words.number(info.get('test_rows'))} to test on"),
        ("Data", str(data.get("name", words.NONE)), str(data.get("licence", ""))),
        ("Family", str(info.get("family", words.NONE)), f"version {info.get('model_version', '')}"),
        ("Commit", words.NONE if commit in ("", "unknown") else commit[:8], "of the code it was trained with"),
        ("Parity", "passed" if parity.get("passed") else "not passed", differs if parity else "not measured"),
    )


def _against(model: Model, told: Any) -> None:
    st.subheader("How good it is", anchor=False)
    if isinstance(told, ServiceError):
        look.warning("The version before can't be compared:", told.words, told.remedy)
        told = {}
    compared = _compared(model, told)
    if not compared:
        st.info("Nobody tells this model's metrics at the moment.")
        return
    headline = model.info.get("task", {}).get("headline") or next(iter(compared[0][1]))
    st.markdown(_sentence(headline, compared, model.unit))
    if told:
        st.caption(_before(told, model.version or str(told.get("champion", ""))))
    names = list(compared[0][1])
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            with column:
                _forest(name, compared, model.unit)
    with st.expander("The same as a table, and what each metric means", icon=":material/table:"):
        st.dataframe(_table(compared, model.unit), hide_index=True, placeholder=words.NONE)


def _compared(model: Model, told: Mapping[str, Any]) -> Compared:
    """Who, and its metrics: the model first, then the version before, then the baselines."""
    own: Mapping[str, Figures] = model.info.get("metrics", {})
    live = model.version or str(told.get("champion", ""))
    listed = {each["version"]: each for each in told.get("versions", ())}
    this = own.get("model") or listed.get(live, {}).get("metrics")
    if not this:
        return ()
    found = [("This model", this)]
    if before := metrics.previous(told, live):
        found.append((f"Before: version {before['version']}", before["metrics"]))
    order = [*(name for name in BESIDE if name in own), *(name for name in own if name not in (*BESIDE, "model"))]
    return found + [(BESIDE.get(name, name), own[name]) for name in order]


def _before(told: Mapping[str, Any], live: str) -> str:
    """What the comparison with the version before is worth."""
    before = metrics.previous(told, live)
    if before is None:
        return "There is no version before this one to compare with."
    data = next((each["data"] for each in told["versions"] if each["version"] == live), before["data"])
    if data != before["data"]:
        return f"Version {before['version']} was measured on other data, {before['data']}: the two are hard to compare."
    return f"Version {before['version']} was champion before; its figures are those that its gate judged."


def _sentence(headline: str, compared: Compared, unit: str) -> str:
    own = compared[0][1][headline]
    name = words.metric_name(headline)
    value, within = words.metric(headline, own["value"], unit), words.interval(headline, own, unit)
    name, value, within = (words.plain(each) for each in (name, value, within))
    said = [f"**{name} {value}** (95 % interval {within}): {metrics.direction(headline)}."]
    for who, figures in compared[1:]:
        if other := figures.get(headline):
            value = words.metric(headline, other["value"], unit)
            apart = "the intervals overlap" if metrics.overlap(own, other) else "the intervals do not overlap"
            said.append(words.plain(f"{who}: {value}, {apart}."))
    return " ".join(said)


def _forest(name: str, compared: Compared, unit: str) -> None:
    rows = [(who, figures.get(name, {})) for who, figures in compared]
    label = words.metric_name(name)
    st.markdown(f"**{words.plain(label)}** :gray[:small[{metrics.direction(name)}]]", help=metrics.meaning(name))
    said = "; ".join(f"{who} {words.metric(name, told.get('value'), unit)}" for who, told in rows)
    figure = charts.forest(name, rows, unit)
    look.chart(figure, key=f"quality-forest-{name}", height=60 + 28 * len(rows), alt=f"{label}: {said}")


def _table(compared: Compared, unit: str) -> list[dict[str, str]]:
    lines = []
    for name, own in compared[0][1].items():
        line = {"Metric": words.metric_name(name), "This model": words.metric(name, own["value"], unit)}
        line["95 % interval"] = words.interval(name, own, unit)
        for who, figures in compared[1:]:
            told: Figure = figures.get(name, {})
            line[who] = (
                f"{words.metric(name, told['value'], unit)} ({words.interval(name, told, unit)})" if told else ""
            )
        lines.append(line | {"What it says": metrics.meaning(name)})
    return lines


def _curves(model: Model) -> None:
    curves = model.info.get("curves") or {}
    if not curves:
        st.info("This version tells no curves.")
        return
    if "residuals" in curves:
        _amount(model, curves["residuals"])
        return
    st.subheader("How it separates, and whether it means what it says", anchor=False)
    base = model.info.get("metrics", {}).get("dummy", {}).get("average_precision", {}).get("value")
    drawn: Sequence[tuple[str, str, Callable[[Any], go.Figure], str]] = (
        ("ROC", "roc", charts.roc, "Above the dotted line is better than chance."),
        ("Precision and recall", "precision_recall", partial(charts.precision_recall, base=base), "Higher is better."),
        ("Calibration", "calibration", charts.calibration, "On the dotted line, what was said is what happened."),
    )
    for column, (title, name, draw, note) in zip(st.columns(3), drawn, strict=True):
        if name in curves:
            with column:
                st.markdown(f"**{title}**")
                look.chart(draw(curves[name]), key=f"quality-{name}", height=300, alt=title)
                st.caption(note)


def _amount(model: Model, residuals: Mapping[str, Any]) -> None:
    st.subheader("How far off it is", anchor=False)
    look.chart(charts.residuals(residuals, model.unit), key="quality-residuals", alt="Relative errors by prediction")
    st.caption("Line: the median error. Bands: half, and four in five, of the test rows. Above zero it says too much.")
    coverage = model.info.get("metrics", {}).get("model", {}).get("coverage")
    promised = (model.info.get("interval") or {}).get("coverage")
    if not coverage or promised is None:
        return
    st.subheader("How often the truth lies inside the interval", anchor=False)
    found = [metrics.Slice("all", coverage, coverage["high"] < promised, False)]
    for column, values in model.info.get("slices", {}).items():
        sizes = (model.info.get("slice_sizes") or {}).get(column)
        those = metrics.slices(values, "coverage", coverage | {"value": promised}, sizes)
        found.extend(replace(each, value=f"{column}: {each.value}") for each in those)
    figure = charts.slices("coverage", found, coverage, against=promised)
    look.chart(figure, key="quality-coverage", height=90 + 24 * len(found), alt="Interval coverage by slice")
    short = [each.value for each in found if each.worse]
    st.caption(
        f"The dotted line is the {words.percent(promised)} that the interval promises. "
        + (
            f"Clearly less than promised, marked amber: {', '.join(short)}."
            if short
            else "No slice is clearly below it."
        )
    )


def _importance(info: Mapping[str, Any]) -> None:
    shares = info.get("importance") or {}
    st.subheader("What it looks at", anchor=False)
    if not shares:
        st.caption("This family of models tells no importance.")
        return
    height = 90 + 25 * min(15, len(shares))
    look.chart(charts.importance(shares), key="quality-importance", height=height, alt="Importance of the features")
    most = f" The 15 largest of {len(shares)}." if len(shares) > 15 else ""
    st.caption(
        f"How much each feature contributes to the model's answers, as a share of all; not what causes what.{most}"
    )
