"""The dashboard: browse the portfolio, try every model, understand what it does and act on it."""

from __future__ import annotations

import streamlit as st

from cockpit import look, models, route

st.set_page_config(page_title="Model portfolio", page_icon=":material/insights:", layout="wide")
look.dress()
route.show(models.models())
