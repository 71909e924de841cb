"""The filter in the side bar; what it says is in the address, so that a selection has a link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cockpit.fields import label_of
from cockpit.plugins.market.adverts import OPEN, Bounds, Choice

KEY = "market"
PICKS = ("make", "model", "type", "condition")
RANGES = {"model_year": (1990, 1), "price": (0, 1_000), "odometer": (0, 10_000)}
"""Where a slider begins, and its step. It ends where 99 in 100 adverts are, and both its ends are open."""
LABELS = {"model_year": "Model year", "price": "Price (USD)", "odometer": "Odometer (miles)"}
FORMATS = {"model_year": "%d", "price": "localized", "odometer": "localized"}


def choose(frame: pd.DataFrame) -> Choice:
    """Draw the widgets where the caller stands, and read them."""
    wanted: dict[str, Any] = {name: tuple(_pick(frame, name)) for name in PICKS}
    wanted |= {name: _range(frame, name) for name in RANGES}
    st.button("Reset the filter", key=f"{KEY}-reset", on_click=_reset, args=(frame,), icon=":material/restart_alt:")
    return Choice(**wanted)


def _pick(frame: pd.DataFrame, name: str) -> Sequence[str]:
    options = _options(frame, name)
    key = f"{KEY}-{name}"
    chosen: list[str] = st.multiselect(
        label_of(name),
        options,
        key=key,
        bind="query-params",
        placeholder="Any",
    )
    return chosen


def _options(frame: pd.DataFrame, name: str) -> list[str]:
    """The conditions from best to worst, all else by how often it is advertised; models of the chosen makes only."""
    if name == "condition":
        return [str(each) for each in frame[name].cat.categories]
    if name == "model" and (makes := st.session_state.get(f"{KEY}-make")):
        frame = frame[frame["make"].isin(makes)]
    counted = frame[name].value_counts()
    return [str(each) for each in counted[counted > 0].index]


def _range(frame: pd.DataFrame, name: str) -> Bounds:
    ends = _ends(frame, name)
    if ends is None:
        return OPEN
    chosen = st.slider(
        LABELS[name],
        *ends,
        ends,
        RANGES[name][1],
        format=FORMATS[name],
        key=f"{KEY}-{name}",
        bind="query-params",
        help="At either end of the slider, everything beyond is kept, and so are adverts that do not say.",
    )
    return (None if chosen[0] == ends[0] else chosen[0], None if chosen[1] == ends[1] else chosen[1])


def _ends(frame: pd.DataFrame, name: str) -> tuple[int, int] | None:
    """Where the slider begins and ends; None where no advert says the figure."""
    low, step = RANGES[name]
    values = frame[name].dropna()
    if values.empty:
        return None
    high = values.max() if name == "model_year" else values.quantile(0.99)
    return low, low + max(1, -int(-(float(high) - low) // step)) * step


def _reset(frame: pd.DataFrame) -> None:
    """Every widget to where it began: what is in the address goes only when it is said."""
    for name in PICKS:
        st.session_state[f"{KEY}-{name}"] = []
    for name in RANGES:
        if ends := _ends(frame, name):
            st.session_state[f"{KEY}-{name}"] = ends
