"""The market of CarVision: what is advertised, what it costs, and what is priced below what the model expects."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cockpit import look, words
from cockpit.models import Model
from cockpit.plugins.market import bargains, charts, counts, filters
from cockpit.plugins.market.adverts import adverts
from cockpit.services import ServiceError

TOP, MOST = 15, 13
BY = {"Make": "make", "Model": "model", "Type": "type", "Condition": "condition", "Age": "age_band"}

STYLE = """<style>
  .market-count { margin: 0; font-size: 1rem; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-market-left) { position: sticky; top: 0; z-index: 20;
    background: white; padding: .6rem 0 .35rem; border-bottom: 1px solid #dfe6e5; }
  .stApp:has([data-testid="stExpandSidebarButton"]) [data-testid="stLayoutWrapper"]:has(> .st-key-market-left) {
    top: 3.2rem; }
  @media (max-width: 640px) { .stApp .block-container { padding-top: 3.4rem; } }
</style>"""
"""The number of adverts stays in sight."""


def show(model: Model) -> None:
    """The page."""
    st.html(STYLE)
    look.head("The used-car market", _note(model), synthetic=model.synthetic)
    if not model.up and model.trouble:
        look.error(model.trouble, model.remedy)
        return
    try:
        everything = adverts(model.service, f"{model.version} {model.info.get('bundle_version', '')}")
    except ServiceError as error:
        look.error("The adverts can't be shown:", error.words, error.remedy)
        return
    with st.sidebar:
        count = st.empty()
        found = filters.choose(everything).keep(everything)
    left = f"<b>{len(found):,}</b> of {len(everything):,} adverts"
    count.html(f'<p class="market-count">{left}</p>')
    part = st.segmented_control(
        "Part",
        list(PARTS),
        default="Overview",
        required=True,
        key="market-part",
        bind="query-params",
        label_visibility="collapsed",
    )
    with st.container(key="market-left"):
        st.html(f'<p class="market-count">{left} {_chosen(len(found), len(everything))}</p>')
    if found.empty:
        st.info("No advert fits the filter. Widen a range, take a choice away, or reset the filter in the side bar.")
        return
    PARTS[str(part)](found)


def _note(model: Model) -> str:
    within = model.info.get("task", {}).get("within")
    if not within:
        return "Every advert of the data."
    low, high = (_dollars(price) for price in within)
    return f"Every advert of the data. The model is for prices from {low} to {high}: others have no prediction."


def _chosen(left: int, all_of_them: int) -> str:
    return "that the filter leaves" if left < all_of_them else "– filter them in the side bar"


def _overview(found: pd.DataFrame) -> None:
    told = counts.summary(found)
    st.html(
        look.facts(
            (
                ("Adverts", f"{told.adverts:,}", ""),
                (
                    "Median price",
                    words.amount(told.price, "USD"),
                    f"half: {_dollars(told.low)} to {_dollars(told.high)}",
                ),
                ("Median age", words.NONE if told.age is None else f"{told.age:.0f} years", "when advertised"),
                ("Median odometer", words.NONE if told.odometer is None else f"{told.odometer:,.0f} mi", ""),
            )
        )
    )
    _prices(found, told.price)
    left, right = st.columns(2)
    makes = found["make"].nunique()
    with left:
        _shares(found, "type", "What is advertised")
    with right:
        _shares(found, "make" if makes > 1 else "model", "Top makes" if makes > 1 else "Top models")
    st.subheader("How old the cars are", anchor=False)
    look.chart(charts.ages(counts.ages(found)), key="market-ages", height=280, alt="Adverts by age of the car")
    silent = int(found["age"].isna().sum())
    st.caption(
        f"Year of the advert minus model year; the last bar holds everything of {counts.OLD} years and more. "
        f"{silent:,} adverts do not say the model year."
    )


def _prices(found: pd.DataFrame, median: float | None) -> None:
    st.subheader("What they cost", anchor=False)
    histogram, beyond = counts.prices(found)
    look.chart(charts.price_histogram(histogram, median, beyond), key="market-prices", alt="Adverts by price")
    if beyond:
        st.caption(
            f"The last bar also holds the {beyond:,} adverts that cost more: their prices would flatten the rest."
        )


def _shares(found: pd.DataFrame, by: str, title: str) -> None:
    st.subheader(title, anchor=False)
    every = counts.shares(found, by)
    shown = every.head(MOST)
    alt = f"Share of adverts by {by}"
    look.chart(charts.shares(shown, by), key=f"market-share-{by}", height=80 + 27 * len(shown), alt=alt)
    if len(shown) < len(every):
        st.caption(f"The {len(shown)} with most adverts, of {len(every)}.")


def _dollars(value: float | None) -> str:
    return words.amount(value, "USD")


def _analysis(found: pd.DataFrame) -> None:
    _compare(found)
    st.subheader("How value falls with age", anchor=False)
    by_age = counts.depreciation(found)
    if len(by_age) < 2:
        st.info("Too few adverts of different ages for a curve. Widen the filter.")
    else:
        look.chart(charts.depreciation(by_age), key="market-depreciation", alt="Median price by age with quartiles")
        st.caption(
            f"Line: median price. Band: the middle half of the adverts. Cars of up to {counts.OLD} years, ages with at "
            f"least {counts.FEW} adverts. It compares different cars of different ages, not one car over its life: "
            "choose a model to compare like with like."
        )
    st.subheader("Prices week by week", anchor=False)
    by_week = counts.weekly(found)
    if len(by_week) < 2:
        st.info("Too few adverts in any week for a trend. Widen the filter.")
    else:
        look.chart(charts.trend(by_week), key="market-trend", alt="Median price by week with quartiles")
        st.caption(f"Line: median price. Band: the middle half. Weeks with at least {counts.FEW} adverts.")


@st.fragment
def _compare(found: pd.DataFrame) -> None:
    """A part of its own: another comparison redraws this chart only."""
    st.subheader("Prices compared", anchor=False)
    label = st.segmented_control(
        "By",
        list(BY),
        default="Make",
        required=True,
        key="market-by",
        bind="query-params",
    )
    by = BY[str(label)]
    every = counts.quartiles(counts.age_bands(found) if by == "age_band" else found, by)
    shown = every if by in ("condition", "age_band") else every.nlargest(TOP, "adverts").sort_values("middle")[::-1]
    if shown.empty:
        st.info(f"Fewer than {counts.FEW} adverts each: too few to tell a median of. Widen the filter.")
        return
    height = 110 + 26 * len(shown)
    look.chart(charts.quartiles(shown), key="market-compare", height=height, alt=f"Price by {by}")
    most = f"The {len(shown)} with most adverts, of {len(every)}. " if len(shown) < len(every) else ""
    st.caption(f"Dot: median price. Bar: the middle half of the adverts. {most}At least {counts.FEW} adverts each.")


PARTS = {"Overview": _overview, "Market analysis": _analysis, "Bargains": bargains.show}
PAGES = {"market": ("Market", show)}
