"""To be drawn."""

from __future__ import annotations

import streamlit as st

from cockpit.models import Model


def show(model: Model) -> None:
    """Draw it."""
    st.header(model.title)
