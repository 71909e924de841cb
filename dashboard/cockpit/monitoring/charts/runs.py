"""What monitoring runs decided and measured, over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from cockpit import look, words

ORDER = ("unknown", "ok", "watch", "retrain", "roll back")
"""Decisions from the bottom to the top."""
Facts = Mapping[str, Any]
WIDTH = 60


def decisions(runs: Sequence[Facts]) -> go.Figure:
    """Each run as a mark in its decision's row and colour; hovering tells its reasons."""
    past = sorted(runs, key=lambda run: words.moment(run["at"]))
    figure = go.Figure(
        go.Scatter(
            x=[words.moment(run["at"]) for run in past],
            y=[run["decision"] for run in past],
            mode="markers",
            showlegend=False,
            marker={
                "size": 11,
                "color": [look.STATES.get(run["decision"], look.UNKNOWN) for run in past],
                "line": {"width": 1, "color": "white"},
            },
            customdata=[["<br>".join(_lines(run["reasons"])), run["model_version"] or "–"] for run in past],
            hovertemplate="<b>%{y}</b>, %{x|%d %b %H:%M} UTC, version %{customdata[1]}"
            "<br>%{customdata[0]}<extra></extra>",
        )
    )
    others = [run["decision"] for run in past if run["decision"] not in ORDER]
    rows = [*ORDER, *dict.fromkeys(others)]
    figure.update_yaxes(categoryorder="array", categoryarray=rows, range=[-0.6, len(rows) - 0.4], type="category")
    figure.update_xaxes(title_text="Time (UTC)", showgrid=False, nticks=6, tickangle=0)
    figure.update_layout(uirevision="stay")
    return figure


def metrics_of(points: Sequence[Facts]) -> list[str]:
    """The metrics that were measured or estimated, in the order in which they come."""
    return list(dict.fromkeys(point["metric"] for point in points))


def performance(points: Sequence[Facts], metric: str, moments: Sequence[str], unit: str = "") -> go.Figure:
    """One metric over time: estimated as a line with its band, real as points with their intervals.

    `moments` are all runs: where one has no estimate, the line is broken. The value of the test rows is dashed.
    """
    chosen = [point for point in points if point["metric"] == metric and point["value"] is not None]
    figure = go.Figure()
    estimated = [point for point in chosen if point["kind"] == "estimated"]
    for number, part in enumerate(unbroken(estimated, moments)):
        _estimated(figure, part, first=number == 0)
    _real(figure, [point for point in chosen if point["kind"] == "real"])
    _reference(figure, chosen)
    figure.update_xaxes(title_text="Time (UTC)", showgrid=False, nticks=6, tickangle=0)
    figure.update_yaxes(title_text=words.metric_name(metric) + (f" ({unit})" if unit else ""))
    if metric in words.SHARES:
        figure.update_yaxes(tickformat=".0%")
    figure.update_layout(uirevision=metric, legend=look.ABOVE)
    return figure


def unbroken(points: Sequence[Facts], moments: Sequence[str]) -> list[list[Facts]]:
    """Points of runs that follow one another, apart from those after a run without one."""
    place = {at: number for number, at in enumerate(sorted({*moments, *(point["at"] for point in points)}))}
    parts: list[list[Facts]] = []
    for point in sorted(points, key=lambda each: place[each["at"]]):
        if parts and place[point["at"]] - place[parts[-1][-1]["at"]] == 1:
            parts[-1].append(point)
        else:
            parts.append([point])
    return parts


def _estimated(figure: go.Figure, points: Sequence[Facts], *, first: bool) -> None:
    banded = [point for point in points if point["low"] is not None and point["high"] is not None]
    if banded:
        there = [words.moment(point["at"]) for point in banded]
        back = list(reversed(banded))
        figure.add_trace(
            go.Scatter(
                x=[*there, *reversed(there)],
                y=[*(point["high"] for point in banded), *(point["low"] for point in back)],
                fill="toself",
                fillcolor="rgba(148,163,184,0.25)",
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                name="band of the estimate",
                legendgroup="band",
                showlegend=first,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[words.moment(point["at"]) for point in points],
            y=[point["value"] for point in points],
            mode="lines+markers",
            line={"color": "#64748b", "width": 2},
            marker={"size": 5, "color": "#64748b"},
            name="estimated without labels",
            legendgroup="estimated",
            showlegend=first,
            customdata=[[point["low"], point["high"]] for point in points],
            hovertemplate="%{x|%d %b %H:%M} UTC<br>estimated %{y:,.4g}, between %{customdata[0]:,.4g} and "
            "%{customdata[1]:,.4g}<extra></extra>",
        )
    )


def _real(figure: go.Figure, points: Sequence[Facts]) -> None:
    if not points:
        return
    above = [(point["high"] if point["high"] is not None else point["value"]) - point["value"] for point in points]
    below = [point["value"] - (point["low"] if point["low"] is not None else point["value"]) for point in points]
    figure.add_trace(
        go.Scatter(
            x=[words.moment(point["at"]) for point in points],
            y=[point["value"] for point in points],
            mode="markers",
            name="real, on labels",
            marker={"size": 8, "color": look.ACCENT},
            error_y={"array": above, "arrayminus": below, "symmetric": False, "color": look.ACCENT, "thickness": 1.5},
            customdata=[[point["low"], point["high"], point["labelled"]] for point in points],
            hovertemplate="%{x|%d %b %H:%M} UTC<br>real %{y:,.4g}, 95 % interval %{customdata[0]:,.4g} to "
            "%{customdata[1]:,.4g}<br>%{customdata[2]:,} labels had come by then<extra></extra>",
        )
    )


def _reference(figure: go.Figure, points: Sequence[Facts]) -> None:
    """The value on the test rows, a step where another version came."""
    known = {point["at"]: point["reference"] for point in points if point["reference"] is not None}
    if not known:
        return
    times = sorted(known, key=words.moment)
    figure.add_trace(
        go.Scatter(
            x=[words.moment(at) for at in times],
            y=[known[at] for at in times],
            mode="lines" if len(times) > 1 else "markers",
            name="on the test rows",
            line={"color": look.INK, "width": 1.5, "dash": "dash", "shape": "hv"},
            marker={"symbol": "line-ew", "size": 22, "line": {"width": 1.5, "color": look.INK}},
            hovertemplate="on the test rows %{y:,.4g}<extra></extra>",
        )
    )


def _lines(reasons: Sequence[str]) -> Iterator[str]:
    for reason in reasons:
        yield from wrap(escape(reason), WIDTH)
