"""What a browser is shown: one run of this file draws the page that the address names."""

from __future__ import annotations

import streamlit as st

from cockpit import look, models, route

st.set_page_config(page_title="Model portfolio", page_icon=look.ICON, layout="wide")
look.dress()
route.show(models.models())
