"""Errors as RFC 9457 problem documents: the one place where HTTP renders them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from portfolio.errors import Overloaded, PortfolioError, RequestRefused
from portfolio.logs import logger

JSON = "application/json"
MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "portfolio.request_id"
PATH_LENGTH = 200
RETRY_SECONDS = 1
RETRY = {"Retry-After": str(RETRY_SECONDS)}
RETRY_HEADER = (b"retry-after", str(RETRY_SECONDS).encode())
CHALLENGE = {"WWW-Authenticate": "X-API-Key"}
"""RFC 9110 wants every 401 to name what it takes."""
INFERENCE = "/v2"
"""Where clients of the Open Inference Protocol read the member `error`, which RFC 9457 allows beside its own."""
WHERE_TO_LOOK = "Its log tells why, under this request_id."

log = logger(__name__)


Answer = tuple[int, bytes]
"""Status and body."""


def written(prediction: object) -> bytes | Exception:
    """A prediction as JSON, or the error that it can't be: that of one must not have the others scored again."""
    try:
        return orjson.dumps(prediction)
    except TypeError as error:
        return error


def settled(answer: bytes | Exception, scope: Scope) -> Answer:
    """The answer that was found, or the one to the error that was met."""
    if isinstance(answer, bytes):
        return 200, answer
    if isinstance(answer, PortfolioError) and answer.status != 500:
        return answer.status, document(answer, scope)
    return 500, _unforeseen(answer, scope)


def passes(answer: object) -> bool:
    """Whether it is an error that may be gone a moment later."""
    return isinstance(answer, PortfolioError) and answer.passes


def failure(error: Exception, scope: Scope) -> Response:
    """The response to an error that nobody foresaw."""
    return Response(_unforeseen(error, scope), 500, media_type=MEDIA_TYPE)


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
    if scope["path"].startswith(INFERENCE):
        problem["error"] = str(error)
    return orjson.dumps(problem)


def busy(scope: Scope) -> Response:
    """What a client beyond the limit of connections gets: come back later, and not on this connection."""
    error = Overloaded("Too many connections are open.", remedy=f"Try again in {RETRY_SECONDS} s, or add workers.")
    return Response(document(error, scope), error.status, {**RETRY, "Connection": "close"}, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Render the library's errors, and the router's 404 and 405, as problems."""
    app.add_exception_handler(PortfolioError, _render)
    app.add_exception_handler(HTTPException, _render_routing)


def _unforeseen(error: Exception, scope: Scope) -> bytes:
    """Tell the log everything, and the client where to look."""
    request = {"method": scope["method"], "path": scope["path"], "request_id": scope.get(REQUEST_ID)}
    log.error("request failed", exc_info=error, **request)
    return document(PortfolioError("The service failed at this request.", remedy=WHERE_TO_LOOK), scope)


async def _render(request: Request, error: Exception) -> Response:
    status, body = settled(error, request.scope)
    headers = RETRY if passes(error) else CHALLENGE if status == 401 else None
    return Response(body, status, headers, MEDIA_TYPE)


async def _render_routing(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    allow = (refused.headers or {}).get("Allow")
    problem = RequestRefused(
        f"This path takes {allow}." if allow else f"{HTTPStatus(refused.status_code).phrase}: nothing is at this path.",
        remedy="/docs lists every path.",
        status=refused.status_code,
    )
    content = document(problem, request.scope)
    return Response(content, refused.status_code, dict(refused.headers or {}), MEDIA_TYPE)
