"""Which page of which model is open: two widgets whose values are in the address, so every view has a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import streamlit as st

from cockpit.models import Model
from cockpit.pages import home, monitoring, quality, try_it, versions

Show = Callable[[Model], None]
HOME = "portfolio"
PAGES: dict[str, tuple[str, Show]] = {
    "try": ("Try it", try_it.show),
    "quality": ("Quality", quality.show),
    "monitoring": ("Monitoring", monitoring.show),
    "versions": ("Versions", versions.show),
}


def pages_of(name: str) -> dict[str, tuple[str, Show]]:
    """The pages that a project has beside everyone's: those of `cockpit/plugins/NAME.py`, where there is one."""
    module = f"cockpit.plugins.{name}"
    if not name.isidentifier() or find_spec(module) is None:
        return {}
    found: dict[str, tuple[str, Show]] = import_module(module).PAGES
    return found


def show(models: Sequence[Model]) -> None:
    """Navigation, and the page that it says."""
    by_name = {model.name: model for model in models}
    asked = st.query_params.get("model", "")
    own = pages_of(st.session_state.get("model") or asked)
    pages = {HOME: "Portfolio"} | {name: label for name, (label, _) in (PAGES | own).items()}
    page = st.segmented_control(
        "Page",
        list(pages),
        format_func=pages.__getitem__,
        default=HOME,
        required=True,
        key="page",
        bind="query-params",
        label_visibility="collapsed",
    )
    if page == HOME or page is None:
        home.show()
        return
    name = st.segmented_control(
        "Model",
        list(by_name),
        format_func=lambda each: by_name[each].title,
        default=next(iter(by_name)),
        required=True,
        key="model",
        bind="query-params",
        label_visibility="collapsed",
    )
    _, draw = (PAGES | own)[page]
    draw(by_name[str(name)])
