"""A spec as an ASGI application."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from portfolio.serving import flow, openapi, problems
from portfolio.serving.drain import Drain
from portfolio.serving.edge import Edge
from portfolio.serving.live import Live
from portfolio.serving.metrics import Metrics
from portfolio.serving.resolve import resolve
from portfolio.serving.routes import Endpoints, add_routes
from portfolio.serving.service import Service
from portfolio.serving.shortcut import Shortcut
from portfolio.serving.tally import FOLDER
from portfolio.serving.turn import Turn
from portfolio.serving.workers import end_with_parent
from portfolio.settings import read_settings
from portfolio.spec import ModelSpec


class Application(openapi.Documented):
    """FastAPI, and a way past it for connections that know of it."""

    shortcut: Shortcut


def build(spec: ModelSpec) -> Application:
    """The application of one project; its model is loaded when the server starts it."""
    settings = read_settings()
    service = Service(spec, Live(spec), Metrics(spec), Drain(settings.drain_seconds), access_log=settings.access_log)
    turn: Turn[bytes, bytes] = Turn(partial(flow.predict, service))
    app = Application(
        title=spec.title,
        version=service.version,
        description=f"Predictions of the model `{spec.name}`.",
        lifespan=lambda _: _lifespan(service),
        redoc_url=None,
        redirect_slashes=False,
    )
    app.request_schemas = openapi.request_schemas(spec.request)
    app.add_middleware(Edge, service=service)
    app.shortcut = Shortcut(service, turn)
    problems.install(app)
    add_routes(app, Endpoints(service, turn))
    tally = os.environ.get(FOLDER)
    if tally:
        end_with_parent()
    service.metrics.open((getattr(route, "path", "") for route in app.routes), Path(tally) if tally else None)
    return app


def _lifespan(service: Service) -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        service.live.state = resolve(service.spec)
        service.metrics.serving(service.live.state.model)
        service.drain.listen()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: no later collection has to look through it
        yield

    return lifespan()
