"""What happens around every request: its id, its count, and the answer to what nobody foresaw."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portfolio import logs
from portfolio.errors import RequestRefused
from portfolio.serving.ids import Ids
from portfolio.serving.problems import REQUEST_ID, failure
from portfolio.watch.metrics import Metrics

BODY_BYTES = 64 * 1024
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
        began = perf_counter()
        scope[REQUEST_ID], _ = self._ids.given(scope["headers"])
        logs.request_id.set(scope[REQUEST_ID])
        exchange = Exchange(receive, send, scope[REQUEST_ID])
        try:
            await self._answer(scope, exchange)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            endpoint = scope["route"].path if "route" in scope else "unmatched"
            self._metrics.requested(method, endpoint, exchange.status, perf_counter() - began)

    async def _answer(self, scope: Scope, exchange: Exchange) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            unexpected = failure(error, scope)
            if exchange.started:
                raise  # half an answer is out: only closing the connection tells the client
            await unexpected(scope, exchange.receive, exchange.send)


class Exchange:
    """Both directions of one request: what comes in is bounded, what goes out carries the id."""

    def __init__(self, receive: Receive, send: Send, request_id: str) -> None:
        self._receive, self._send, self._id = receive, send, request_id.encode("ascii")
        self._taken = 0
        self.status, self.started = 500, False

    async def receive(self) -> Message:
        """The next message; raises RequestRefused where the body is too large: who has no key must not fill memory."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > BODY_BYTES:
            raise RequestRefused(f"The body is larger than {BODY_BYTES} bytes.", status=413)
        return message

    async def send(self, message: Message) -> None:
        """Send one message on."""
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self._id)]
        await self._send(message)
