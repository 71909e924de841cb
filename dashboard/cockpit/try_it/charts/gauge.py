"""A probability on its scale, with the threshold from which the model decides for yes."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from cockpit import look, words

CROWDED = 0.12


def gauge(probability: float, threshold: float | None) -> go.Figure:
    """An arc from 0 to 100 %; the part from the threshold on is shaded."""
    edge = 1.0 if threshold is None else threshold
    dial: dict[str, Any] = {
        "axis": {"range": [0, 100], **_ticks(threshold)},
        "bar": {"color": look.ACCENT, "thickness": 0.55},
        "borderwidth": 0,
        "bgcolor": "#eef2f2",
        "steps": [{"range": [100 * edge, 100], "color": look.SHADE}],
    }
    if threshold is not None:
        dial["threshold"] = {"value": 100 * threshold, "thickness": 1, "line": {"color": look.INK, "width": 3}}
    number = {"valueformat": ".1f", "suffix": " %", "font": {"size": 38, "color": look.INK}}
    figure = go.Figure(go.Indicator(mode="gauge+number", value=100 * probability, number=number, gauge=dial))
    return figure.update_layout(margin={"l": 44, "r": 44, "t": 26, "b": 4})


def _ticks(threshold: float | None) -> dict[str, Any]:
    """0, the threshold and 100 %, without one that would lie on another."""
    at = [end for end in (0.0, 1.0) if threshold is None or abs(end - threshold) > CROWDED]
    text = [words.percent(end) for end in at]
    if threshold is not None:
        at, text = [*at, threshold], [*text, words.percent(threshold)]
    return {
        "tickvals": [100 * each for each in at],
        "ticktext": text,
        "tickwidth": 0,
        "tickfont": {"size": 12, "color": look.MUTED},
    }
