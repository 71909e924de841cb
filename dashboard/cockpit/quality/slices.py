"""Where a model is weaker: its headline metric by slice, a part of the page on quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from cockpit import look, metrics, models, words
from cockpit.fields import label_of, request_fields
from cockpit.models import Model
from cockpit.quality import charts
from cockpit.services import ServiceError


def draw(model: Model) -> None:
    """A chart for each column, and a line for each slice that is clearly worse than the whole model."""
    headline = model.info.get("task", {}).get("headline", "")
    whole = model.info.get("metrics", {}).get("model", {}).get(headline)
    told = model.info.get("slices") or {}
    st.subheader("Where it is weaker", anchor=False)
    if not told or not whole:
        st.caption("No slices are kept for this model.")
        return
    sizes = model.info.get("slice_sizes") or {}
    found = {column: metrics.slices(values, headline, whole, sizes.get(column)) for column, values in told.items()}
    marked = [(column, each) for column, values in found.items() for each in values if each.worse]
    overall = words.metric(headline, whole["value"], model.unit)
    name = words.metric_name(headline)
    lines = [
        f"<li>{look.badge('weaker', look.WARN)} <b>{escape(label_of(column))}: {escape(each.value)}</b> – "
        f"{escape(name)} {_told(headline, each.figure, model.unit)}, overall {escape(overall)}</li>"
        for column, each in marked
    ]
    if marked:
        st.html(f'<ul style="list-style:none;margin:0;padding:0;line-height:1.9">{"".join(lines)}</ul>')
    if not marked:
        st.html(f"{look.badge('no warning', look.GOOD)} No slice is clearly worse than the whole model.")
    for place, (column, values) in zip(st.columns(len(found)), found.items(), strict=True):
        with place:
            st.markdown(f"**By {label_of(column).lower()}**")
            figure = charts.slices(headline, values, whole, model.unit)
            look.chart(figure, key=f"quality-slice-{column}", height=90 + 26 * len(values), alt=f"{name} by {column}")
    st.caption(f"{_reading(headline, overall)} {_small(model, found)}".replace("$", r"\$"))


def _told(headline: str, figure: metrics.Figure, unit: str) -> str:
    value, within = words.metric(headline, figure["value"], unit), words.interval(headline, figure, unit)
    return escape(f"{value} ({within})")


def _reading(headline: str, overall: str) -> str:
    larger = " Such an error grows with the values themselves." if headline in words.AMOUNTS else ""
    return (
        f"Dotted line: the whole model, {overall}; {metrics.direction(headline)}. Amber: the whole 95 % interval is on "
        f"the wrong side of it.{larger}"
    )


def _small(model: Model, found: Mapping[str, Sequence[metrics.Slice]]) -> str:
    """Names the slices of few rows, and those too small to be told at all."""
    small = [f"{column} {each.value}" for column, values in found.items() for each in values if each.small]
    said = [f"Few rows, hollow, read with care: {', '.join(small)}."] if small else []
    try:
        choices = {field.name: field.choices for field in request_fields(models.document(model.service))}
    except ServiceError:
        choices = {}
    for column, values in found.items():
        if absent := metrics.untold(choices.get(column, ()), [each.value for each in values]):
            said.append(f"Too few test rows to tell of, by {column}: {', '.join(absent)}.")
    return " ".join(said)
