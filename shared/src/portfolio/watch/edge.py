"""What happens around every request: its id, its count, and the answer to what nobody foresaw."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portfolio import logs
from portfolio.serving.ids import Ids
from portfolio.serving.problems import REQUEST_ID, failure
from portfolio.watch.metrics import Metrics

METHODS = frozenset({"GET", "HEAD", "POST"})


class Edge:
    """The layer around the routes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics, self._ids = app, metrics, Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 500
        scope[REQUEST_ID], _ = self._ids.given(scope["headers"])
        logs.request_id.set(scope[REQUEST_ID])
        started = False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", scope[REQUEST_ID].encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            unexpected = failure(error, scope)
            if started:
                raise
            await unexpected(scope, receive, sending)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = scope.get("route")
            self._metrics.requested(method, route.path if route else "unmatched", status, perf_counter() - began)
