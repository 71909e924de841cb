"""The charts of a model's quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cockpit import look, words
from cockpit.fields import label_of
from cockpit.metrics import Figure, Slice

CLOSE = {"t": 8}  # the heading of the page stands above
OUTER, INNER = "rgba(15,118,110,0.10)", "rgba(15,118,110,0.20)"


def forest(name: str, rows: Sequence[tuple[str, Figure]], unit: str = "") -> go.Figure:
    """A metric of several, the model first: a dot each, with its 95 % interval.

    The scale is that of the model's neighbours: one far away, as a dummy is, is written at the edge. One that has no
    such figure is told to have none.
    """
    figure = go.Figure()
    low, high = _scale([told for _, told in rows if told])
    for at, (who, told) in enumerate(rows):
        if not told:
            _word(figure, at, 0, "not kept")
        elif low <= told["value"] <= high:
            _dot(figure, name, at, told, unit, who=who, colour=look.BESIDE if at else look.ACCENT)
        else:
            value = words.metric(name, told["value"], unit)
            _word(figure, at, told["value"] > high, f"{value} ▸" if told["value"] > high else f"◂ {value}")
    figure.add_vline(x=rows[0][1]["value"], line={"color": look.ACCENT, "width": 1, "dash": "dot"}, opacity=0.6)
    return _dots(figure, name, [who for who, _ in rows], unit).update_xaxes(range=[low, high])


def _scale(told: Sequence[Figure]) -> tuple[float, float]:
    """Around the first and those that are within a few of its widths."""
    own = told[0]
    reach = 5 * (own["high"] - own["low"]) or float("inf")
    near = [each for each in told if abs(each["value"] - own["value"]) <= reach]
    low, high = min(each["low"] for each in near), max(each["high"] for each in near)
    room = 0.08 * (high - low) or 0.05
    return low - room, high + room


def _word(figure: go.Figure, at: int, right: bool | int, text: str) -> None:
    side = "right" if right else "left"
    font = {"color": look.MUTED, "size": 12}
    figure.add_annotation(
        x=int(right), xref="paper", y=at, text=text, showarrow=False, xanchor=side, xshift=-4 if right else 4, font=font
    )


def slices(
    name: str, found: Sequence[Slice], whole: Figure, unit: str = "", *, against: float | None = None
) -> go.Figure:
    """The slices of one column as dots with intervals; a line where the whole model is, or at `against`."""
    figure = go.Figure()
    for at, each in enumerate(found):
        colour = look.WARN if each.worse else look.ACCENT
        symbol = "diamond" if each.worse else "circle"
        rows = "" if each.rows is None else f"<br>{each.rows:,} test rows"
        few = f"{rows}<br>few rows: read it with care" if each.small else rows
        hollow = "-open" if each.small else ""
        _dot(figure, name, at, each.figure, unit, who=each.value, colour=colour, symbol=symbol + hollow, more=few)
    line = {"color": look.INK, "width": 1, "dash": "dot"}
    figure.add_vline(x=whole["value"] if against is None else against, line=line)
    figure = _dots(figure, name, [each.value for each in found], unit)
    return figure.update_xaxes(title=words.metric_name(name))


def _dot(figure: go.Figure, name: str, at: int, told: Figure, unit: str, **look_of: Any) -> None:
    within = f"{words.metric(name, told['value'], unit)}, {words.interval(name, told, unit)}"
    colour = look_of["colour"]
    figure.add_scatter(
        x=[told["value"]],
        y=[at],
        mode="markers",
        marker={
            "color": colour,
            "size": 10,
            "symbol": look_of.get("symbol", "circle"),
            "line": {"width": 1.5, "color": colour},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [told["high"] - told["value"]],
            "arrayminus": [told["value"] - told["low"]],
            "color": colour,
            "thickness": 2,
            "width": 0,
        },
        hovertemplate=f"{look_of['who']}: {within}{look_of.get('more', '')}<extra></extra>",
    )


def _dots(figure: go.Figure, name: str, labels: Sequence[str], unit: str) -> go.Figure:
    figure.update_layout(showlegend=False, margin=CLOSE)
    figure.update_xaxes(nticks=4, zeroline=False, **_axis(name, unit))
    rows = {"tickvals": list(range(len(labels))), "ticktext": list(labels), "range": [len(labels) - 0.5, -0.5]}
    return figure.update_yaxes(showgrid=False, zeroline=False, ticksuffix=" ", **rows)


def _axis(name: str, unit: str) -> Mapping[str, str]:
    if name in words.SHARES:
        return {"tickformat": ".1~%"}
    if name in words.AMOUNTS:
        return {"tickprefix": "$", "tickformat": ",.0f"} if unit == "USD" else {"tickformat": ",.0f"}
    return {"tickformat": "~g"}


def roc(points: Mapping[str, Sequence[float]]) -> go.Figure:
    """How many of the cases that happen are found, for how many false alarms."""
    hover = "%{y:.0%} found at %{x:.0%} false alarms<extra></extra>"
    figure = _curve(points["false_positive_rate"], points["true_positive_rate"], hover)
    _reference(figure, [0, 1], [0, 1], "chance")
    return _shares(figure, "False alarms", "Found (recall)")


def precision_recall(points: Mapping[str, Sequence[float]], base: float | None) -> go.Figure:
    """How many of those called are right, for how many are found; `base` is what chance reaches."""
    figure = _curve(points["recall"], points["precision"], "%{y:.0%} right at %{x:.0%} found<extra></extra>")
    if base is not None:
        _reference(figure, [0, 1], [base, base], "chance")
    return _shares(figure, "Found (recall)", "Right (precision)")


def calibration(points: Mapping[str, Sequence[float]]) -> go.Figure:
    """What happened against what was said, for tenths of the test rows."""
    hover = "said %{x:.1%}, happened %{y:.1%}<extra></extra>"
    figure = _curve(points["predicted"], points["observed"], hover, mode="lines+markers")
    _reference(figure, [0, 1], [0, 1], "perfect")
    return _shares(figure, "Probability said", "Share that happened")


def residuals(points: Mapping[str, Any], unit: str) -> go.Figure:
    """Relative errors over the prediction: the median, and bands that hold half and four in five of them."""
    at = points["predicted"]
    by_quantile = dict(zip(points["quantiles"], zip(*points["relative_error_quantiles"], strict=True), strict=True))
    figure = go.Figure()
    for low, high, fill in ((10, 90, OUTER), (25, 75, INNER)):
        edge: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=at, y=by_quantile[high], **edge)
        figure.add_scatter(x=at, y=by_quantile[low], fill="tonexty", fillcolor=fill, **edge)
    sign = "$" if unit == "USD" else ""
    figure.add_scatter(
        x=at,
        y=by_quantile[50],
        mode="lines+markers",
        line={"color": look.ACCENT, "width": 2.5},
        marker={"size": 5},
        customdata=list(zip(by_quantile[25], by_quantile[75], strict=True)),
        hovertemplate=f"predicted {sign}%{{x:,.0f}}: median error %{{y:.1%}}"
        "<br>half of them %{customdata[0]:.0%} to %{customdata[1]:.0%}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": look.INK, "width": 1, "dash": "dot"})
    figure.update_layout(showlegend=False, margin=CLOSE)
    title = f"Predicted ({unit})" if unit else "Predicted"
    figure.update_xaxes(title=title, showgrid=False, tickformat="~s", tickprefix=sign, nticks=7)
    return figure.update_yaxes(title="Error, share of the truth", tickformat="+.0%", zeroline=False)


def importance(shares: Mapping[str, float], top: int = 15) -> go.Figure:
    """Bars from the largest down."""
    found = sorted(shares.items(), key=lambda each: -each[1])[:top]
    figure = go.Figure(
        go.Bar(
            x=[share for _, share in found],
            y=[label_of(name) for name, _ in found],
            orientation="h",
            marker={"color": look.ACCENT},
            text=[words.percent(share) for _, share in found],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text} of the importance<extra></extra>",
        )
    )
    figure.update_layout(margin=CLOSE)
    most = max((share for _, share in found), default=1.0)
    figure.update_xaxes(title="Share of the importance", tickformat=".0%", nticks=5, range=[0, 1.15 * most])
    return figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ")


def _curve(x: Sequence[float], y: Sequence[float], hover: str, mode: str = "lines") -> go.Figure:
    line = {"color": look.ACCENT, "width": 2.5}
    return go.Figure(go.Scatter(x=x, y=y, mode=mode, line=line, marker={"size": 7}, hovertemplate=hover))


def _reference(figure: go.Figure, x: Sequence[float], y: Sequence[float], what: str) -> None:
    line = {"color": look.BESIDE, "width": 1.5, "dash": "dot"}
    figure.add_scatter(x=x, y=y, mode="lines", line=line, hovertemplate=f"{what}<extra></extra>")


def _shares(figure: go.Figure, x: str, y: str) -> go.Figure:
    figure.update_layout(showlegend=False, margin=CLOSE)
    figure.update_xaxes(title=x, range=[0, 1.02], tickformat=".0%", dtick=0.2)
    return figure.update_yaxes(title=y, range=[0, 1.03], tickformat=".0%", dtick=0.2)
