"""The portfolio at a glance: every model API, whether it answers, and what it serves."""

from __future__ import annotations

import os
from typing import Any

import httpx2
import streamlit as st

# Where the APIs are; what a person opens may be another address (`address=shown`).
APIS = "http://localhost:8001,http://localhost:8002,http://localhost:8003"
ANSWER_SECONDS = 2.0


def ask(address: str, path: str) -> dict[str, Any]:
    """The JSON of a GET; empty where nothing answers."""
    try:
        answer: dict[str, Any] = httpx2.get(f"{address}{path}", timeout=ANSWER_SECONDS).json()
    except (httpx2.HTTPError, ValueError):
        return {}
    return answer


def row(entry: str) -> dict[str, Any]:
    """One line of the table."""
    address, _, shown = entry.strip().partition("=")
    front, health, info = ask(address, "/"), ask(address, "/health"), ask(address, "/model/info")
    headline = info.get("task", {}).get("headline")
    figure = info["metrics"]["model"][headline] if headline else None
    return {
        "model": front.get("title", "-"),
        "status": health.get("status", "does not answer"),
        "version": health.get("model_version"),
        "quality": f"{headline} {figure['value']:.4g} [{figure['low']:.4g}, {figure['high']:.4g}]" if figure else None,
        "data": info.get("data", {}).get("label"),
        "documentation": f"{shown or address}/docs",
    }


st.set_page_config(page_title="Model portfolio", layout="wide")
st.title("Model portfolio")
st.dataframe(
    [row(entry) for entry in os.environ.get("PORTFOLIO_APIS", APIS).split(",")],
    hide_index=True,
    column_config={"documentation": st.column_config.LinkColumn()},
)
st.button("Look again")
