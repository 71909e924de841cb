"""Serving: a spec becomes an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from portfolio.spec import ModelSpec

__all__ = ["create_app"]


def create_app(spec: ModelSpec) -> FastAPI:
    """The application of one project. Its model is loaded when the server starts it, not here."""
    from portfolio.serving.app import build  # the command line and the sidecar do without FastAPI

    return build(spec)
