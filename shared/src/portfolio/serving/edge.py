"""What happens around every request: its id, its count and duration, and the answer to what nobody foresaw."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portfolio import logs
from portfolio.serving.body import DRY
from portfolio.serving.drain import Drain
from portfolio.serving.flow import Asked
from portfolio.serving.metrics import DRY_RUN, UNMATCHED
from portfolio.serving.problems import REQUEST_ID, busy, failure
from portfolio.serving.service import Service

ALWAYS = frozenset(
    {"/health", "/health/live", "/health/ready", "/metrics", "/ping", "/v2/health/live", "/v2/health/ready"}
)
"""Answered on refused connections too: whoever watches an overloaded service must not take it for a dead one."""
BUSY = "portfolio.busy"
"""In the `state` of every request of a connection beyond the limit."""
BEGUN, ENTITY_ID = "portfolio.begun", "portfolio.entity_id"
CLOSE = (b"connection", b"close")

Headers = list[tuple[bytes, bytes]]


class Edge:
    """The layer around the routes. Pure ASGI: a BaseHTTPMiddleware would cost more than the prediction."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = Sending(send, begin(self._service, scope), self._service.drain)
        logs.request_id.set(scope[REQUEST_ID])
        try:
            await self._answer(scope, receive, sending)
        finally:
            end(self._service, scope, sending.status)

    async def _answer(self, scope: Scope, receive: Receive, sending: Sending) -> None:
        refused = BUSY in scope.get("state", ()) and scope["path"] not in ALWAYS
        try:
            await (busy(scope) if refused else self._app)(scope, receive, sending)
        except Exception as error:
            unexpected = failure(error, scope)
            if sending.started:
                raise  # half an answer is out: only closing the connection tells the client
            await unexpected(scope, receive, sending)


class Sending:
    """A `send` that adds headers to the answer and remembers its status."""

    def __init__(self, send: Send, headers: Headers, drain: Drain) -> None:
        self._send = send
        self._headers = headers
        self._drain = drain
        self.status = 500
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send one message on."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            # now and not when the request came: who is told of the drain must be told to leave
            message["headers"] = [*message.get("headers", ()), *self._headers, *closing(self._drain)]
        await self._send(message)


def begin(service: Service, scope: Scope) -> Headers:
    """Note when a request came, and its ids; the headers that its answer needs."""
    scope[BEGUN] = perf_counter()
    request_id, scope[ENTITY_ID] = service.ids.given(scope["headers"])
    scope[REQUEST_ID] = request_id
    return [(b"x-request-id", request_id.encode("ascii"))]


def closing(drain: Drain) -> Headers:
    """The header that ends a connection, during a drain."""
    return [CLOSE] if drain.begun else []


def asked(scope: Scope, body: bytes) -> Asked:
    """A body with what is known of its request."""
    return Asked(body, scope[BEGUN], scope[REQUEST_ID], scope[ENTITY_ID])


def end(service: Service, scope: Scope, status: int) -> None:
    """Count an answered request, dry runs apart from all others, and log it where that is wished."""
    seconds = perf_counter() - scope[BEGUN]
    endpoint = _template(scope)
    service.metrics.requested(scope["method"], DRY_RUN if scope.get(DRY) else endpoint, status, seconds)
    if service.access_log:
        logs.access(
            method=scope["method"], endpoint=endpoint, status=status, seconds=seconds, request_id=scope[REQUEST_ID]
        )


def _template(scope: Scope) -> str:
    """The matched route's path as declared: a label must not take what clients make up."""
    if "route" in scope:
        return str(scope["route"].path)
    # the shortcut and FastAPI's own pages announce no route; they have no parameters, so the path is the template
    return scope["path"] if "endpoint" in scope else UNMATCHED
