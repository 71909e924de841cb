"""The charts of the used-car market."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from cockpit import look, words

DOLLARS = {"tickprefix": "$", "tickformat": "~s", "rangemode": "tozero", "nticks": 6}
MORE = "<br>half of them $%{customdata[1]:,.0f} to $%{customdata[2]:,.0f}<br>%{customdata[0]:,} adverts<extra></extra>"
CLOSE = {"t": 8}  # the heading of the page stands above


def price_histogram(found: pd.DataFrame, median: float | None, beyond: int) -> go.Figure:
    """`found` has `low`, `high` and `adverts`; the last bar counts those `beyond` its end, too."""
    last = len(found) - 1
    spans = [
        f"${low:,.0f} and more" if at == last and beyond else f"${low:,.0f} to ${high:,.0f}"
        for at, (low, high) in enumerate(zip(found["low"], found["high"], strict=True))
    ]
    figure = go.Figure(
        go.Bar(
            x=(found["low"] + found["high"]) / 2,
            y=found["adverts"],
            marker={"color": [look.ACCENT] * last + [look.SHADE if beyond else look.ACCENT]},
            customdata=spans,
            hovertemplate="%{customdata}<br>%{y:,} adverts<extra></extra>",
        )
    )
    if median is not None:
        figure.add_vline(x=median, line={"color": look.INK, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=median, y=1, yref="paper", text=f"median ${median:,.0f}", showarrow=False, xanchor="left", xshift=6
        )
    figure.update_layout(bargap=0.06, margin=CLOSE)
    figure.update_xaxes(title="Price (USD)", showgrid=False, **DOLLARS)
    figure.update_yaxes(title="Adverts", tickformat=",")
    return figure


def shares(found: pd.DataFrame, what: str) -> go.Figure:
    """Bars from the largest down; `found` has `adverts`, `share` and `price` by value."""
    names = [str(each) for each in found.index]
    figure = go.Figure(
        go.Bar(
            x=found["share"],
            y=names,
            orientation="h",
            marker={"color": look.ACCENT},
            text=[_share(each) for each in found["share"]],
            textposition="outside",
            cliponaxis=False,
            customdata=found[["adverts", "price"]],
            hovertemplate="%{y}: %{customdata[0]:,} adverts, median $%{customdata[1]:,.0f}<extra></extra>",
        )
    )
    figure.update_layout(margin=CLOSE)
    figure.update_xaxes(title=f"Share of adverts with a {what}", tickformat=".0%", nticks=5)
    figure.update_xaxes(range=[0, 1.18 * float(found["share"].max())] if len(found) else None)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ")
    return figure


def _share(value: float) -> str:
    return "< 1 %" if value < 0.005 else words.percent(value)


def ages(counted: pd.Series[int]) -> go.Figure:
    """Adverts by age; the last bar holds all that are older, too."""
    oldest = int(counted.index[-1])
    figure = go.Figure(
        go.Bar(
            x=list(counted.index),
            y=counted,
            marker={"color": [look.ACCENT] * oldest + [look.SHADE]},
            customdata=[f"{age} years" for age in counted.index[:-1]] + [f"{oldest} years and older"],
            hovertemplate="%{customdata}<br>%{y:,} adverts<extra></extra>",
        )
    )
    figure.update_layout(margin=CLOSE)
    ticks = list(range(0, oldest + 1, 5))
    figure.update_xaxes(
        title="Age (years)",
        tickvals=ticks,
        ticktext=[str(each) for each in ticks[:-1]] + [f"{oldest}+"],
        showgrid=False,
    )
    figure.update_yaxes(title="Adverts", tickformat=",")
    return figure


def quartiles(found: pd.DataFrame) -> go.Figure:
    """By value, a bar from the lower to the upper quartile of the price, and its median as a dot."""
    names = [str(each) for each in found.index]
    figure = go.Figure()
    figure.add_bar(
        x=found["high"] - found["low"],
        base=found["low"],
        y=names,
        orientation="h",
        marker={"color": look.SHADE},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=found["middle"],
        y=names,
        mode="markers",
        marker={"color": look.ACCENT, "size": 10, "line": {"color": "white", "width": 1.5}},
        customdata=found[["adverts", "low", "high"]],
        hovertemplate=f"%{{y}}: median $%{{x:,.0f}}{MORE}",
    )
    figure.update_layout(showlegend=False, margin=CLOSE, bargap=0.5)
    figure.update_xaxes(title="Price (USD)", **DOLLARS)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ")
    return figure


def depreciation(found: pd.DataFrame) -> go.Figure:
    """The median by age with its quartiles."""
    figure = band(
        found,
        f"%{{x}} years: median $%{{y:,.0f}}, %{{customdata[3]:.0%}} of the youngest{MORE}",
    )
    figure.update_xaxes(title="Age (years)", showgrid=False)
    return figure


def trend(found: pd.DataFrame) -> go.Figure:
    """The median by week with its quartiles."""
    figure = band(
        found,
        f"week of %{{x|%-d %B %Y}}: median $%{{y:,.0f}}{MORE}",
    )
    figure.update_xaxes(title="Week of the advert", showgrid=False, nticks=7)
    return figure


def band(found: pd.DataFrame, hover: str) -> go.Figure:
    """A line through the medians over the band of the quartiles; `found` has an ordered index."""
    at = list(found.index)
    figure = go.Figure()
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(x=at, y=found["high"], **edge)
    figure.add_scatter(x=at, y=found["low"], fill="tonexty", fillcolor="rgba(15,118,110,0.16)", **edge)
    extra = [name for name in ("adverts", "low", "high", "kept") if name in found]
    figure.add_scatter(
        x=at,
        y=found["middle"],
        mode="lines+markers",
        line={"color": look.ACCENT, "width": 2.5},
        marker={"size": 5},
        customdata=found[extra],
        hovertemplate=hover,
    )
    figure.update_layout(showlegend=False, margin=CLOSE)
    figure.update_yaxes(title="Price (USD)", **DOLLARS)
    return figure
