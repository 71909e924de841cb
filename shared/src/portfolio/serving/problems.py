"""Errors as RFC 9457 problem documents: the one place where HTTP renders them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from portfolio.errors import PortfolioError, RequestRefused
from portfolio.serving.flow import Wish
from portfolio.serving.service import Service

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "portfolio.request_id"
PATH_LENGTH = 200

Story = Callable[[Service, bytes, Wish], bytes]


def answer(story: Story, service: Service, body: bytes, wish: Wish, scope: Scope) -> tuple[int, bytes]:
    """Tell a flow's story: (status, body) of its answer, or of the problem it met."""
    try:
        return 200, story(service, body, wish)
    except PortfolioError as error:
        if error.status == 500:
            raise  # for the operator's log, not for the client
        return error.status, document(error, scope)


def document(error: PortfolioError, scope: Scope) -> bytes:
    """The problem document of an error."""
    problem: dict[str, Any] = {
        "type": f"urn:portfolio:problem:{error.title.lower().replace(' ', '-')}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": scope["path"][:PATH_LENGTH],
        "request_id": scope.get(REQUEST_ID),
    }
    if error.remedy:
        problem["remedy"] = error.remedy
    if isinstance(error, RequestRefused):
        problem["errors"] = error.problems
    return orjson.dumps(problem)


def unexpected(scope: Scope) -> Response:
    """What a client learns of an error that nobody foresaw: where to look, and nothing else."""
    error = PortfolioError("The service failed at this request.", remedy="Its log tells why, under this request_id.")
    return Response(document(error, scope), 500, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Render the library's errors, and the router's 404 and 405, as problems."""
    app.add_exception_handler(PortfolioError, _render)
    app.add_exception_handler(HTTPException, _render_routing)


async def _render(request: Request, error: Exception) -> Response:
    known = cast(PortfolioError, error)
    if known.status == 500:
        raise known
    return Response(document(known, request.scope), known.status, media_type=MEDIA_TYPE)


async def _render_routing(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    allow = (refused.headers or {}).get("Allow")
    known = RequestRefused(
        f"This path takes {allow}." if allow else f"{HTTPStatus(refused.status_code).phrase}: nothing is at this path.",
        remedy="/docs lists every path.",
        status=refused.status_code,
    )
    content = document(known, request.scope)
    return Response(content, refused.status_code, dict(refused.headers or {}), MEDIA_TYPE)
