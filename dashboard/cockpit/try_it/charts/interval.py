"""An amount with its interval, on the distribution of the amounts that the model was trained and tested on."""

from __future__ import annotations

import plotly.graph_objects as go

from cockpit import look, words
from cockpit.try_it.answer import Answer
from cockpit.try_it.known import Known


def interval(answer: Answer, known: Known, unit: str, target: str) -> go.Figure:
    """A histogram with the interval shaded; without the data only the interval, on a line."""
    assert answer.value is not None
    figure = go.Figure()
    if known.counts:
        _distribution(figure, answer, known, unit)
    else:
        figure.update_yaxes(visible=False, range=[0, 1])
    if answer.low is not None and answer.high is not None:
        figure.add_vrect(answer.low, answer.high, fillcolor=look.ACCENT, opacity=0.16, line_width=0, layer="below")
        if not known.counts:
            figure.add_vline(answer.low, line={"color": look.SHADE, "width": 2})
            figure.add_vline(answer.high, line={"color": look.SHADE, "width": 2})
    figure.add_vline(answer.value, line={"color": look.ACCENT, "width": 3})
    figure.update_xaxes(title=f"{target} ({unit})" if unit else target, tickprefix="$" if unit == "USD" else "")
    figure.update_xaxes(range=list(_reach(answer, known)), tickformat=",.5~g", showgrid=False)
    return figure.update_layout(showlegend=False, bargap=0.04)


def _distribution(figure: go.Figure, answer: Answer, known: Known, unit: str) -> None:
    low, high = known.edges[:-1], known.edges[1:]
    told = [f"{words.amount(a, unit)} to {words.amount(b, unit)}" for a, b in zip(low, high, strict=True)]
    inside = [_overlaps(answer, a, b) for a, b in zip(low, high, strict=True)]
    figure.add_bar(
        x=[(a + b) / 2 for a, b in zip(low, high, strict=True)],
        y=known.counts,
        width=[(b - a) * 0.94 for a, b in zip(low, high, strict=True)],
        marker_color=["#7fb5ae" if each else "#cbd5d4" for each in inside],
        customdata=told,
        hovertemplate="%{customdata}: %{y:,} rows<extra></extra>",
    )
    figure.update_yaxes(title="Rows of its data", tickformat=",")


def _overlaps(answer: Answer, low: float, high: float) -> bool:
    return answer.low is not None and answer.high is not None and answer.low < high and low < answer.high


def _reach(answer: Answer, known: Known) -> tuple[float, float]:
    """The data's extent, or half as much again as the interval; the interval is always inside."""
    assert answer.value is not None
    points = [each for each in (answer.low, answer.value, answer.high) if each is not None]
    if known.edges:
        return min(known.edges[0], *points), max(known.edges[-1] * 1.02, *(each * 1.05 for each in points))
    room = (max(points) - min(points)) * 0.5 or abs(points[0]) * 0.5 or 1.0
    return min(points) - room, max(points) + room
