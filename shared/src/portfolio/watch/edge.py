"""What happens around every request: its id, its count, and the answer to what nobody foresaw."""

from __future__ import annotations

from time import perf_counter

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portfolio import logs
from portfolio.errors import RequestRefused
from portfolio.serving.body import read_body
from portfolio.serving.ids import Ids
from portfolio.serving.problems import MEDIA_TYPE, REQUEST_ID, failure, settled
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
            if scope["method"] == "POST":
                await exchange.read(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except RequestRefused as refused:
            status, content = settled(refused, scope)
            await Response(content, status, media_type=MEDIA_TYPE)(scope, exchange.receive, exchange.send)
        except Exception as error:
            unexpected = failure(error, scope)
            if exchange.started:
                raise  # half an answer is out: only closing the connection tells the client
            await unexpected(scope, exchange.receive, exchange.send)


class Exchange:
    """Both directions of one request: what comes in is bounded before anyone sees it, what goes out carries the id."""

    def __init__(self, receive: Receive, send: Send, request_id: str) -> None:
        self._receive, self._send, self._id = receive, send, request_id.encode("ascii")
        self._body: bytes | None = None
        self.status, self.started = 500, False

    async def read(self, scope: Scope) -> None:
        """Take in the whole body. Raises RequestRefused where it is too large: who has no key must not fill memory."""
        try:
            self._body = await read_body(scope, self._receive, BODY_BYTES)
        except RequestRefused as refused:
            if refused.status == 413:
                raise RequestRefused(refused.detail, remedy="A wish is a few lines of JSON.", status=413) from None
            raise

    async def receive(self) -> Message:
        """The next message; the body that was taken in is the first."""
        body, self._body = self._body, None
        return await self._receive() if body is None else {"type": "http.request", "body": body}

    async def send(self, message: Message) -> None:
        """Send one message on."""
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self._id)]
        await self._send(message)
