"""Volume, errors and latency of an API over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cockpit import look
from cockpit.monitoring.traffic import Span, Step

AXIS = "Time (UTC)"


def volume(steps: Sequence[Step], down: Sequence[Span], shown: Span) -> go.Figure:
    """Requests and predictions per minute."""
    figure = _figure(down, shown, "per minute")
    figure.add_trace(_line(steps, "requests", "Requests", look.BESIDE, "%{y:,.1f} requests a minute"))
    figure.add_trace(_line(steps, "predictions", "Predictions", look.ACCENT, "%{y:,.1f} predictions a minute"))
    return figure


def latency(steps: Sequence[Step], down: Sequence[Span], shown: Span) -> go.Figure:
    """p50 and p95 in milliseconds."""
    figure = _figure(down, shown, "milliseconds")
    figure.add_trace(_line(steps, "p50", "p50", look.BESIDE, "half were answered within %{y:,.3g} ms"))
    figure.add_trace(_line(steps, "p95", "p95", look.ACCENT, "95 of 100 were answered within %{y:,.3g} ms"))
    return figure


def errors(steps: Sequence[Step], down: Sequence[Span], shown: Span) -> go.Figure:
    """Requests a minute that were refused (4xx) or failed (5xx)."""
    figure = _figure(down, shown, "per minute", barmode="stack", bargap=0.0)
    for name, label, colour, meaning in (
        ("errors_4xx", "4xx, refused", look.WARN, "refused"),
        ("errors_5xx", "5xx, failed", look.BAD, "failed"),
    ):
        text = "%{x|%H:%M:%S} UTC<br>%{y:,.3g} a minute were " + meaning + "<extra></extra>"
        values = [getattr(step, name) for step in steps]
        bars = go.Bar(x=_times(steps), y=values, name=label, marker_color=colour, hovertemplate=text, offset=0)
        figure.add_trace(bars)
    return figure


def lonely(values: Sequence[float | None]) -> list[bool]:
    """Which values have a gap on both sides: a line does not show them."""
    around = [None, *values, None]
    return [
        now is not None and before is None and after is None
        for before, now, after in zip(around, values, around[2:], strict=False)
    ]


def _line(steps: Sequence[Step], name: str, label: str, colour: str, text: str) -> go.Scatter:
    values = [getattr(step, name) for step in steps]
    return go.Scatter(
        x=_times(steps),
        y=values,
        name=label,
        mode="lines+markers",
        connectgaps=False,
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": [6 if alone else 0 for alone in lonely(values)]},
        hovertemplate="%{x|%H:%M:%S} UTC<br>" + text + "<extra></extra>",
    )


def _times(steps: Sequence[Step]) -> list[Any]:
    return [step.at for step in steps]


def _figure(down: Sequence[Span], shown: Span, title: str, **layout: Any) -> go.Figure:
    """A chart over the whole span that is `shown`, with the times at which the API was down shaded."""
    figure = go.Figure()
    for began, ended in down:
        figure.add_vrect(
            x0=max(began, shown[0]), x1=ended, fillcolor=look.BAD, opacity=0.12, line_width=0, layer="below"
        )
    if down:
        shade = {"color": look.BAD, "symbol": "square", "opacity": 0.25, "size": 11}
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", name="API down", marker=shade))
    figure.update_xaxes(range=list(shown), title_text=AXIS, showgrid=False, type="date", nticks=6, tickangle=0)
    figure.update_yaxes(title_text=title, rangemode="tozero")
    figure.update_layout(uirevision="stay", legend=look.ABOVE, **layout)
    return figure
