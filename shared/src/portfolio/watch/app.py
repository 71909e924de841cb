"""The monitoring service as an application: every path, on one screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import Depends, FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.security import APIKeyHeader

from portfolio.errors import RequestRefused
from portfolio.serving import problems
from portfolio.watch.edge import Edge
from portfolio.watch.metrics import Metrics
from portfolio.watch.paths import Paths
from portfolio.watch.service import Service

KEY = Security(APIKeyHeader(name="X-API-Key", auto_error=False))
"""Tells /docs of the key."""


def build(service: Service) -> FastAPI:
    """The application; rounds and traffic go on while it is served."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.traffic.start()
        service.rounds.start()
        yield
        service.rounds.stop()
        service.traffic.stop()

    app = FastAPI(
        title="Monitoring",
        version=service.version,
        description="What monitoring runs found, traffic over time, and versions.",
        lifespan=lifespan,
        redoc_url=None,
    )
    metrics = Metrics(service.last, service.rounds, service.traffic)
    app.add_middleware(Edge, metrics=metrics)
    problems.install(app)
    app.add_exception_handler(RequestValidationError, _refuse)
    _add_routes(app, Paths(service, metrics))
    return app


def _add_routes(app: FastAPI, at: Paths) -> None:
    get = partial(app.add_api_route, methods=["GET"])
    post = partial(app.add_api_route, methods=["POST"], tags=["versions"], dependencies=[KEY, Depends(at.admit)])
    get("/", at.index, tags=["pages"], response_class=HTMLResponse)
    get("/reports/{name}", at.report, tags=["pages"], response_class=Response)
    get("/health", at.health, tags=["health"])
    get("/metrics", at.metrics, tags=["health"], response_class=Response)
    get("/runs", at.runs, tags=["found"])
    get("/drift", at.drift, tags=["found"])
    get("/performance", at.performance, tags=["found"])
    get("/traffic", at.traffic, tags=["found"])
    get("/versions/{project}", at.versions, tags=["versions"])
    post("/versions/{project}/promote", at.promote)
    post("/versions/{project}/rollback", at.rollback)


async def _refuse(request: Request, error: Exception) -> Response:
    """A parameter or a field that is not what it must be, as a problem that names it and does not echo it."""
    assert isinstance(error, RequestValidationError)
    named = [
        {"field": ".".join(map(str, each["loc"][1:])) or str(each["loc"][0]), "message": each["msg"], "allowed": ""}
        for each in error.errors()
    ]
    said = "; ".join(f"{each['field']}: {each['message']}" for each in named)
    refused = RequestRefused(f"{said}.", remedy="/docs says what is allowed.", problems=named)
    return Response(problems.document(refused, request.scope), refused.status, media_type=problems.MEDIA_TYPE)
