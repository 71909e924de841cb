"""The application's outermost layer: request ids, counts and durations, and the answer to what nobody foresaw."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from portfolio.logs import logger
from portfolio.serving.ids import request_id
from portfolio.serving.metrics import Metrics
from portfolio.serving.problems import REQUEST_ID, unexpected

UNMATCHED = "unmatched"

log = logger(__name__)


class Edge:
    """Pure ASGI: a BaseHTTPMiddleware would cost more than the prediction."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when it is answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        sending = Sending(send, request_id(scope["headers"]))
        scope[REQUEST_ID] = sending.request_id
        bind_contextvars(request_id=sending.request_id)
        try:
            await self._answer(scope, receive, sending)
        finally:
            self.metrics.requested(scope["method"], _template(scope), sending.status, perf_counter() - begun)

    async def _answer(self, scope: Scope, receive: Receive, sending: Sending) -> None:
        try:
            await self.app(scope, receive, sending)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if sending.started:
                raise  # half an answer is out: only closing the connection tells the client
            await unexpected(scope)(scope, receive, sending)


def _template(scope: Scope) -> str:
    """The matched route's path as declared: a label must not take what clients make up."""
    if "route" in scope:
        return str(scope["route"].path)
    # FastAPI's own pages announce no route; they have no parameters, so the path is the template
    return str(scope["path"]) if "endpoint" in scope else UNMATCHED


class Sending:
    """A `send` that adds the request id and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send = send
        self.request_id = request_id
        self.status = 500
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send one message on."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode("ascii"))]
        await self.send(message)
