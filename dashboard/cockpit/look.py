"""How everything looks: colours, the charts' template, and the few styles that the theme can't say."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from cockpit import words

ACCENT, INK, MUTED, LINE, SHADE = "#0f766e", "#1c2b2a", "#64748b", "#dfe6e5", "#b9d8d4"
BESIDE = "#94a3b8"
"""Of what is there to compare with."""
GOOD, WARN, BAD, UNKNOWN = "#15803d", "#b45309", "#b91c1c", "#64748b"
STATES = {
    "ok": GOOD,
    "watch": WARN,
    "act": BAD,
    "retrain": BAD,
    "roll back": BAD,
    "unknown": UNKNOWN,
}
"""Decisions of a monitoring run, and states of what it judged."""
STYLE = Path(__file__).parent / "style.css"
ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
"""A legend above its chart, where the axis below needs the room."""
CONFIG = {"displayModeBar": False, "responsive": True}
ICON = Path(__file__).parent / "icon.svg"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "colorway": [ACCENT, BESIDE, WARN, "#334155", "#7c9a97"],
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
        "xaxis": {"gridcolor": LINE, "zerolinecolor": LINE, "linecolor": LINE, "automargin": True, "title_standoff": 8},
        "yaxis": {"gridcolor": LINE, "zerolinecolor": LINE, "linecolor": LINE, "automargin": True, "title_standoff": 8},
        "legend": {"orientation": "h", "y": -0.22, "x": 0, "title": {"text": ""}},
        "title": {"font": {"size": 15}, "x": 0, "xanchor": "left"},
        "hoverlabel": {"bgcolor": "white", "font": {"family": FONT, "size": 13, "color": INK}},
        "bargap": 0.15,
    }
)


def dress() -> None:
    """What every page wears."""
    st.html(f"<style>{STYLE.read_text(encoding='utf-8')}</style>")


def head(title: str, note: str, *, synthetic: bool) -> None:
    """How every page begins: what it is about, a mark where its figures are of made-up data, and a note."""
    mark = badge("synthetic data", WARN) if synthetic else ""
    st.html(f'<div class="head"><h1>{escape(title)}</h1>{mark}</div><p class="note">{escape(note)}</p>')


def error(*sentences: str) -> None:
    """What went wrong, and what to do; in words that are shown as they are, whoever said them."""
    st.error(words.plain(" ".join(filter(None, sentences))), icon=":material/error:")


def warning(*sentences: str) -> None:
    """The same where it is less than an error."""
    st.warning(words.plain(" ".join(filter(None, sentences))))


def chart(figure: go.Figure, *, key: str, height: int = 320, alt: str = "", **changes: Any) -> None:
    """A chart in the house's template; `alt` says in words what it shows."""
    figure.update_layout(template=TEMPLATE, height=height, **changes)
    st.plotly_chart(figure, key=key, config=CONFIG, theme=None, alt=alt or None)


def badge(text: str, colour: str) -> str:
    """A small mark, as HTML."""
    return f'<span class="mark" style="--mark:{colour}">{escape(text)}</span>'


def state_badge(state: str | None) -> str:
    """The mark of a decision or a state."""
    return badge(state or "not judged yet", STATES.get(state or "", UNKNOWN))


def facts(lines: Sequence[tuple[str, str, str]]) -> str:
    """A grid of figures as HTML: what it is, its value, and a note."""
    each = (
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for what, value, note in lines
    )
    return f'<dl class="facts">{"".join(each)}</dl>'


def lines(each: Sequence[tuple[str, str, str]]) -> str:
    """Lines of what it is, a mark (as HTML), and a note."""
    rows = (
        f"<div><dt>{escape(what)}</dt><dd>{mark}<small>{escape(note)}</small></dd></div>" for what, mark, note in each
    )
    return f'<dl class="lines">{"".join(rows)}</dl>'


def dot(colour: str) -> str:
    """A point that says how it is, beside words that say it, too."""
    return f'<span class="dot" style="--mark:{colour}"></span>'
