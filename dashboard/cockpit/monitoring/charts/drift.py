"""Drift: which columns moved how far, how one of them moved, and how much drifted over time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cockpit import look, words
from cockpit.fields import label_of

STATES = {"ok": look.ACCENT, "watch": look.WARN, "act": look.BAD, "unknown": look.BESIDE}
SCORE = "score"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
Facts = Mapping[str, Any]


def column_name(name: str) -> str:
    """A column in words; the model's own score is one of them."""
    return "Score of the model" if name == SCORE else label_of(name)


def ranked(features: Sequence[Facts]) -> list[Facts]:
    """The furthest apart first, those that could not be measured last."""
    return sorted(features, key=lambda each: -1.0 if each["psi"] is None else float(each["psi"]), reverse=True)


def ranking(features: Sequence[Facts], limits: Facts) -> go.Figure:
    """PSI by column, the furthest apart on top, with the policy's limits and what chance alone could do."""
    rows = list(reversed(ranked(features)))
    names = [column_name(each["feature"]) for each in rows]
    figure = go.Figure(
        go.Bar(
            x=[each["psi"] for each in rows],
            y=names,
            orientation="h",
            marker_color=[STATES.get(each["state"], look.BESIDE) for each in rows],
            showlegend=False,
            customdata=[[each["state"], each["by_chance"]] for each in rows],
            hovertemplate="%{y}<br>PSI %{x:.3f}: %{customdata[0]}"
            "<br>by chance up to %{customdata[1]:.3f}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[each["by_chance"] for each in rows],
            y=names,
            mode="markers",
            name="by chance up to",
            marker={"symbol": "line-ns", "size": 14, "line": {"width": 2, "color": look.INK}},
            hovertemplate="%{y}<br>chance alone reaches %{x:.3f}<extra></extra>",
        )
    )
    _states(figure, rows, names)
    furthest = max([limits["act"], *(each[name] or 0.0 for each in rows for name in ("psi", "by_chance"))])
    for name, colour in (("watch", look.WARN), ("act", look.BAD)):
        _limit(figure, name, limits[name], colour, upright=names)
    figure.update_xaxes(title_text="PSI", range=[0, furthest * 1.25])
    figure.update_yaxes(ticklabelstandoff=6)
    figure.update_layout(legend=look.ABOVE)
    return figure


def _states(figure: go.Figure, rows: Sequence[Facts], names: Sequence[str]) -> None:
    """PSI and state in words, right of the bar and of what chance reaches."""
    figure.add_trace(
        go.Scatter(
            x=[max(each["psi"] or 0.0, each["by_chance"] or 0.0) for each in rows],
            y=names,
            mode="text",
            text=[f"  {_psi(each['psi'])} {each['state']}" for each in rows],
            textposition="middle right",
            textfont={"color": [STATES.get(each["state"], look.BESIDE) for each in rows]},
            cliponaxis=False,
            showlegend=False,
            hoverinfo="skip",
        )
    )


def _psi(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.2f}" if value >= 0.005 else "0.00"


def distributions(feature: Facts) -> go.Figure:
    """The shares of the rows in each bin, in training and now, beside each other; texts are read line by line."""
    bins, name = feature["bins"], column_name(feature["feature"])
    kept = [
        (label, before, now)
        for label, before, now in zip(bin_names(bins["labels"]), bins["reference"], bins["current"], strict=True)
        if before or now
    ]
    flat = of_texts(bins["labels"])
    if flat:
        kept.reverse()  # the first one is on top
    labels = [label for label, _, _ in kept]
    figure = go.Figure()
    for side, colour, shares in (
        ("Test rows of the training", look.BESIDE, [before for _, before, _ in kept]),
        ("Current traffic", look.ACCENT, [now for _, _, now in kept]),
    ):
        text = f"%{{{'y' if flat else 'x'}}}<br>%{{{'x' if flat else 'y'}:.1%}} of the rows<extra>{side}</extra>"
        places = {"x": shares, "y": labels, "orientation": "h"} if flat else {"x": labels, "y": shares}
        figure.add_trace(go.Bar(**places, name=side, marker_color=colour, hovertemplate=text))
    figure.update_layout(barmode="group", bargap=0.25, legend=look.ABOVE)
    share, kind = (figure.update_xaxes, figure.update_yaxes) if flat else (figure.update_yaxes, figure.update_xaxes)
    share(title_text="Share of the rows", tickformat=".0%", rangemode="tozero")
    kind(title_text=name, type="category", showgrid=False)
    return figure


def height_of(feature: Facts) -> int:
    """Pixels that its distributions need."""
    bins = feature["bins"]
    if not of_texts(bins["labels"]):
        return 320
    used = sum(bool(before or now) for before, now in zip(bins["reference"], bins["current"], strict=True))
    return 130 + 24 * max(used, 4)


def of_texts(labels: Sequence[str]) -> bool:
    """Whether bins are of a text: those of numbers end with one for missing values."""
    return bool(labels) and labels[-1] != "(missing)"


def bin_names(labels: Sequence[str]) -> list[str]:
    """Bins of numbers without powers of ten; those of texts are as they are."""
    if of_texts(labels):
        return list(labels)
    return [NUMBER.sub(lambda found: f"{float(found[0]):,.6g}", label) for label in labels]


def share_over_time(history: Sequence[Facts], limits: Facts) -> go.Figure:
    """The share of columns that had drifted at each run, and the limits; a run that could not judge is a gap."""
    figure = go.Figure(
        go.Scatter(
            x=[words.moment(each["at"]) for each in history],
            y=[each["drifted_share"] for each in history],
            mode="lines+markers",
            connectgaps=False,
            showlegend=False,
            line={"color": look.ACCENT, "width": 2},
            marker={"size": 5, "color": look.ACCENT},
            customdata=[[each["decision"]] for each in history],
            hovertemplate="%{x|%d %b %H:%M} UTC<br>%{y:.0%} of the columns had drifted"
            "<br>decision: %{customdata[0]}<extra></extra>",
        )
    )
    for name, colour in (("watch", look.WARN), ("act", look.BAD)):
        _limit(figure, name, limits[name], colour)
    figure.update_xaxes(title_text="Time (UTC)", showgrid=False, nticks=6, tickangle=0)
    figure.update_yaxes(title_text="Columns drifted", tickformat=".0%", range=[0, 1.05])
    figure.update_layout(uirevision="stay", legend=look.ABOVE)
    return figure


def in_words(feature: Facts) -> list[str]:
    """What the figures of a column say: missing values, the test, and how far its values moved."""
    lines = []
    now, before = feature["missing"], feature["missing_reference"]
    if now or before:
        lines.append(f"Missing in {words.percent(now, 1)} of the rows, in training in {words.percent(before, 1)}.")
    else:
        lines.append("No value is missing, neither now nor in training.")
    lines.append(_chance(feature["p_value"], feature["test"]))
    if feature["wasserstein"] is not None:
        lines.append(
            f"On average a value has moved by {words.number(feature['wasserstein'], 2)} standard deviations of the "
            "training's (Wasserstein distance)."
        )
    if feature["state"] == "unknown":
        lines.append("There are too few rows to tell drift from chance.")
    return lines


def _chance(p_value: float | None, test: str) -> str:
    name = {"ks": "Kolmogorov–Smirnov", "chi2": "chi-squared"}.get(test, test)
    if p_value is None:
        return f"No {name} test: one side has no values."
    shown = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    said = "hardly ever" if p_value < 0.001 else "rarely" if p_value < 0.05 else "often"
    return f"Equal distributions would differ so much {said} ({shown}, {name} test)."


def _limit(figure: go.Figure, name: str, value: float, colour: str, *, upright: Sequence[str] | None = None) -> None:
    """A line with a legend of its own; a shape has none, and its note would lie on others'."""
    line = {"color": colour, "width": 1.5, "dash": "dash"}
    if upright is None:
        figure.add_hline(y=value, line=line, layer="below")
    else:
        figure.add_vline(x=value, line=line, layer="below")
    shown = f"{value:.0%}" if upright is None else f"{value:g}"
    figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", name=f"{name} from {shown}", line=line))
