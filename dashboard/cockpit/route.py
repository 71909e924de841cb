"""Navigation: the page that the address names, and the controls that change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from cockpit import address, home, look, words
from cockpit.address import HOME
from cockpit.models import Model
from cockpit.monitoring import page as monitoring
from cockpit.plugins import Pages, pages_of
from cockpit.quality import page as quality
from cockpit.try_it import page as try_it
from cockpit.versions import page as versions

FIRST = "try"
PAGES: Pages = {
    FIRST: ("Try it", try_it.show),
    "quality": ("Quality", quality.show),
    "monitoring": ("Monitoring", monitoring.show),
    "versions": ("Versions", versions.show),
}


def show(models: Sequence[Model]) -> None:
    """Navigation, and the page that it says."""
    by_name = {model.name: model for model in models}
    page, name, word = resolve(*address.read(), {model.name: model.title for model in models})
    pages = PAGES if page == HOME else PAGES | pages_of(name)
    labels = {HOME: "Portfolio"} | {each: label for each, (label, _) in pages.items()}
    st.session_state.page = page
    st.segmented_control(
        "Page",
        list(labels),
        format_func=labels.__getitem__,
        required=True,
        key="page",
        on_change=_turn,
        args=(name,),
        label_visibility="collapsed",
    )
    if word:
        look.warning(word)
    if page == HOME:
        home.show({each: label for each, (label, _) in PAGES.items()})
        return
    st.set_page_config(page_title=f"{labels[page]} · {by_name[name].title}")
    _choose(by_name, name)
    _, draw = pages[page]
    draw(by_name[name])


def resolve(page: str, name: str, titles: Mapping[str, str]) -> tuple[str, str, str]:
    """What the address means: the page and the model to show, and a word where it names what isn't there."""
    if not titles:
        return HOME, "", "No model is listed in PORTFOLIO_APIS."
    if name and name not in titles:
        return HOME, next(iter(titles)), f"There is no model “{name}” here, or it has not answered yet."
    page = page or (FIRST if name else HOME)
    name = name or next(iter(titles))
    if page == HOME or page in PAGES or page in pages_of(name):
        return page, name, ""
    return HOME, name, f"{titles[name]} has no page “{page}”."


def _choose(by_name: Mapping[str, Model], name: str) -> None:
    st.session_state.model = name
    st.segmented_control(
        "Model",
        list(by_name),
        format_func=lambda each: words.plain(by_name[each].title),
        required=True,
        key="model",
        on_change=_change,
        label_visibility="collapsed",
    )


def _turn(name: str) -> None:
    address.write(st.session_state.page or HOME, name)


def _change() -> None:
    """To the same page of another model, or to its first where it has no such page."""
    page, name = st.session_state.page, st.session_state.model
    address.write(page if page in PAGES or page in pages_of(name) else FIRST, name)
