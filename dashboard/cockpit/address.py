"""Which page of which model is open. The browser's address says it, so every view has a link and a way back."""

from __future__ import annotations

import streamlit as st

HOME = "portfolio"


def read() -> tuple[str, str]:
    """The page and the model that the address names; empty where it names none."""
    return st.query_params.get("page", ""), st.query_params.get("model", "")


def write(page: str, model: str) -> None:
    """Put them into the address, as one step that the browser's back button takes back."""
    if page == HOME:
        for name in ("page", "model"):
            st.query_params.pop(name, None)
    else:
        st.query_params.update({"model": model, "page": page})
