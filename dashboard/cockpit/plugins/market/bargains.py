"""The bargain finder: adverts that ask less than the low end of their own interval."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cockpit import look, words
from cockpit.plugins.market import counts

SHOWN = 200


def show(found: pd.DataFrame) -> None:
    """The part of the page, for the adverts that the filter leaves."""
    cheap = counts.bargains(found)
    st.subheader("Priced below what the model expects", anchor=False)
    st.markdown(
        "An advert is here when its price lies **below its own 80 % interval**. The predictions are **out of fold**: "
        "each advert is judged by a model that has not seen it. The model knows only what the advert says, so an "
        "implausibly cheap advert is often an **error or a scam**, or hides a flaw: those that cost less than half of "
        "the interval's low end are marked."
    )
    if cheap.empty:
        st.info("No advert that the filter leaves is priced below its interval.")
        return
    odd = int(cheap["implausible"].sum())
    judged = int(found["prediction"].notna().sum())
    if odd and st.toggle("Leave out the implausibly cheap", True, key="market-plausible", bind="query-params"):
        cheap = cheap[~cheap["implausible"]]
    if cheap.empty:
        st.info("Every advert below its interval is implausibly cheap: switch them on to see them.")
        return
    st.html(
        look.facts(
            (
                (
                    "Below their interval",
                    f"{len(cheap):,}",
                    f"{words.percent(len(cheap) / judged)} of {judged:,} that have a prediction",
                ),
                ("Median saving", words.amount(float(cheap["saving"].median()), "USD"), "against the expected price"),
                ("Implausibly cheap", f"{odd:,}", "of all below it; often an error or a scam"),
            )
        )
    )
    _table(cheap.head(SHOWN))
    if len(cheap) > SHOWN:
        st.caption(f"The {SHOWN} largest savings of {len(cheap):,}. Filter to see others; click a heading to sort.")


def _table(cheap: pd.DataFrame) -> None:
    lows, highs = cheap["prediction_low"], cheap["prediction_high"]
    shown = pd.DataFrame(
        {
            "Car": cheap["model"].astype(str),
            "Price": cheap["price"].astype(float),
            "Saving": cheap["saving"].round().astype(float),
            "Saving %": (100 * cheap["saving_share"]).round().astype(float),
            "Look out": ["implausibly cheap" if odd else "" for odd in cheap["implausible"]],
            "Year": cheap["model_year"].astype("Int64"),
            "Miles": cheap["odometer"].astype("Int64"),
            "Condition": cheap["condition"].astype(object),
            "Expected": cheap["prediction"].round().astype(float),
            "Interval": [f"${low:,.0f} – ${high:,.0f}" for low, high in zip(lows, highs, strict=True)],
        }
    )
    column = st.column_config
    st.dataframe(
        shown,
        hide_index=True,
        placeholder=words.NONE,
        height=min(560, 38 + 35 * len(shown)),
        column_config={
            "Car": column.TextColumn(pinned=True),
            "Year": column.NumberColumn(format="%d"),
            "Miles": column.NumberColumn(format="localized"),
            "Price": column.NumberColumn(format="dollar", step=1),
            "Expected": column.NumberColumn(format="dollar", step=1, help="What the model expects, out of fold"),
            "Interval": column.TextColumn(
                help="The model's own; over all cars, as many are advertised within it as it promises"
            ),
            "Saving": column.NumberColumn(format="dollar", step=1, help="Expected price minus price"),
            "Saving %": column.NumberColumn(format="%d %%", help="Of the expected price"),
        },
    )
