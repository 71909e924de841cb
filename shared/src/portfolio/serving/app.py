"""A spec as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from portfolio.serving import openapi, problems
from portfolio.serving.edge import Edge
from portfolio.serving.live import Live
from portfolio.serving.metrics import Metrics
from portfolio.serving.resolve import resolve
from portfolio.serving.routes import add_routes
from portfolio.serving.service import Service
from portfolio.spec import ModelSpec


def build(spec: ModelSpec) -> FastAPI:
    """The application of one project; its model is loaded when the server starts it."""
    service = Service(spec, Live(spec), Metrics(spec))
    app = openapi.Application(
        title=spec.title,
        version=service.version,
        description=f"Predictions of the model `{spec.name}`.",
        lifespan=lambda _: _lifespan(service),
        redoc_url=None,
        redirect_slashes=False,
    )
    app.request_schemas = openapi.request_schemas(spec.request)
    app.add_middleware(Edge, metrics=service.metrics)
    problems.install(app)
    add_routes(app, service)
    return app


def _lifespan(service: Service) -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        service.live.state = resolve(service.spec)
        service.metrics.serving(service.live.state.model)
        yield

    return lifespan()
