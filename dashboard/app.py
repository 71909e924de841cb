"""The dashboard: browse the portfolio, try every model, understand what it does and act on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st


@asynccontextmanager
async def warmed(_: st.App) -> AsyncIterator[None]:
    """Pages are imported and services asked before the first visitor comes, who would wait for it."""
    from cockpit import (
        models,
        plugins,
        route,  # noqa: F401 - the pages, and plotly with them
    )

    for model in models.models():
        plugins.pages_of(model.name)
    yield


app = st.App("view.py", lifespan=warmed)
