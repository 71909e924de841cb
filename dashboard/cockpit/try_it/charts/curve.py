"""The answer over the values of one field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from cockpit import look, words


@dataclass(frozen=True)
class Tried:
    """The answers to the values of a field, in the same order; `now` is the value that the form has."""

    field: str
    values: Sequence[Any]
    labels: Sequence[str]
    answers: Sequence[float]
    now: Any
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Measure:
    """What is answered: a probability has no unit, and may have a threshold."""

    name: str
    probable: bool
    unit: str = ""
    threshold: float | None = None

    def told(self, value: float) -> str:
        """A value as people read it."""
        return words.percent(value, 1) if self.probable else words.amount(value, self.unit)


def curve(tried: Tried, measure: Measure) -> go.Figure:
    """A line over a number, with the interval as a band, and the form's value marked."""
    figure = go.Figure()
    if tried.low and tried.high:
        band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=tried.values, y=tried.high, **band)
        figure.add_scatter(x=tried.values, y=tried.low, fill="tonexty", fillcolor="rgba(15,118,110,.12)", **band)
    figure.add_scatter(
        x=tried.values,
        y=tried.answers,
        mode="lines",
        line={"color": look.ACCENT, "width": 2.5},
        customdata=_hover(tried, measure),
        hovertemplate="%{customdata}<extra></extra>",
    )
    if tried.now in tried.values:
        place = tried.values.index(tried.now)
        figure.add_scatter(
            x=[tried.now],
            y=[tried.answers[place]],
            mode="markers",
            marker={"color": look.INK, "size": 10, "line": {"color": "white", "width": 2}},
            cliponaxis=False,
            hovertemplate=f"now: {_hover(tried, measure)[place]}<extra></extra>",
        )
        told = f"now {measure.told(tried.answers[place])}"
        plate = {"bgcolor": "rgba(255,255,255,.85)", "borderpad": 2, "showarrow": False, "yshift": 20}
        figure.add_annotation(x=tried.now, y=tried.answers[place], text=told, **plate)
    _threshold(figure, measure, along="x")
    room = (tried.values[-1] - tried.values[0]) * 0.03
    figure.update_xaxes(range=[tried.values[0] - room, tried.values[-1] + room])
    figure.update_xaxes(title=tried.field, showgrid=False, tickformat="d" if _years(tried.values) else ",.6~g")
    return _scaled(figure, measure, "y", [*tried.answers, *tried.high]).update_layout(
        margin={"l": 8, "r": 8, "t": 16, "b": 8}
    )


def bars(tried: Tried, measure: Measure) -> go.Figure:
    """A bar for each choice, the form's own dark."""
    chosen = [look.ACCENT if value == tried.now else look.SHADE for value in tried.values]
    told = [measure.told(answer) for answer in tried.answers]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=list(tried.labels),
            x=list(tried.answers),
            marker_color=chosen,
            text=[
                f"{text} · now" if value == tried.now else text for value, text in zip(tried.values, told, strict=True)
            ],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    _threshold(figure, measure, along="y")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", ticklabelstandoff=6)
    return _scaled(figure, measure, "x", [each * 1.3 for each in tried.answers])


def _scaled(figure: go.Figure, measure: Measure, axis: str, reached: Sequence[float]) -> go.Figure:
    title = measure.name if measure.probable or not measure.unit else f"{measure.name} ({measure.unit})"
    most = max([*reached, 1.15 * (measure.threshold or 0)])
    top = min(most * 1.08, 1.06) if measure.probable else most * 1.08
    look_of = {"title": title, "tickformat": ".0%" if measure.probable else ",.5~g", "range": [min(0, *reached), top]}
    if not measure.probable and measure.unit == "USD":
        look_of["tickprefix"] = "$"
    figure.update_layout({f"{axis}axis": look_of}, showlegend=False)
    return figure


def _threshold(figure: go.Figure, measure: Measure, *, along: str) -> None:
    if measure.threshold is None:
        return
    line = {"color": look.MUTED, "width": 1, "dash": "dot"}
    note = {"annotation_text": f"threshold {words.percent(measure.threshold)}", "annotation_font_color": look.MUTED}
    if along == "x":
        figure.add_hline(measure.threshold, line=line, annotation_position="bottom right", **note)
    else:
        figure.add_vline(measure.threshold, line=line, annotation_position="top right", **note)


def _hover(tried: Tried, measure: Measure) -> list[str]:
    return [
        f"{tried.field} {label}: {measure.told(answer)}"
        for label, answer in zip(tried.labels, tried.answers, strict=True)
    ]


def _years(values: Sequence[Any]) -> bool:
    """Whole numbers that are years have no thousands apart."""
    return all(isinstance(value, int) and 1000 <= value < 3000 for value in values)
