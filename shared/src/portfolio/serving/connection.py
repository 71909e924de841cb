"""One client's HTTP connection: a way past ASGI for predictions, a limit, and an end that cuts nothing off."""

from __future__ import annotations

from asyncio import Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from portfolio.serving.edge import BUSY, Headers
from portfolio.serving.shortcut import PATH, Shortcut

HEAD_BYTES = 64 * 1024


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection. What follows is all that differs.

    A plain POST /predict is handed to the application's shortcut and its answer written here, without the task, the
    messages and the router between the two.

    A client waits for one answer at a time on each connection, so their number bounds the queue, and with it the time
    that accepted requests wait. uvicorn's `limit_concurrency` refuses everyone as soon as there is one too many; here
    that one is refused, and those that are open keep being served.

    A request whose first bytes were read is answered before the server leaves.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_seconds: float = getattr(self.config, "read_seconds", 30.0)  # where uvicorn was started by hand
        self._limit, self.limit_concurrency = self.limit_concurrency, None
        self._shortcut: Shortcut | None = getattr(self.app, "shortcut", None)
        self._body: bytes | None = None  # of the request that is being read, if it takes the shortcut
        self._asked = 0  # requests that took the shortcut and wait for their answer
        self._reading = self._in_head = self._leaving = False
        self._head = 0  # bytes of the head that is being read
        self._deadline = self.loop.time() + self._read_seconds

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Mark a connection beyond the limit; the edge answers its requests with 503."""
        super().connection_made(transport)
        if self._limit is not None and len(self.connections) > self._limit:
            self.app_state = {**self.app_state, BUSY: True}
            self._shortcut = None
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")
        if self._reading:
            self._expect()

    def on_response_complete(self) -> None:
        """An answer is out. Only an idle connection has its days numbered by that."""
        super().on_response_complete()
        if self._reading:
            self._expect()
        elif not getattr(self.cycle, "response_complete", True):
            self._unset_keepalive_if_required()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, after what was asked before it."""
        if self._asked and self._shortcut:
            self._shortcut.turn.close()
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """The first byte of a request was read."""
        self._reading = self._in_head = True
        self._head = 0
        self._deadline = self.loop.time() + self._read_seconds
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Choose the way."""
        self._in_head = False
        if self._is_short():
            self._body = b""
            return
        if self._asked and self._shortcut:
            self._shortcut.turn.close()  # answers go out in the order of the requests
        super().on_headers_complete()
        if self._leaving:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Part of a body was read."""
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """The whole request was read."""
        self._reading = False
        if self._body is None or self._shortcut is None:
            super().on_message_complete()
            return
        body, self._body = self._body, None
        self._asked += 1
        self._shortcut.answer(self.scope, body, self._write, among=len(self.connections))  # type: ignore[arg-type]

    def shutdown(self) -> None:
        """Close once nothing is being read or answered."""
        self._leaving = True
        if not self._reading and not self._asked:
            super().shutdown()

    def _expect(self) -> None:
        """Close unless the request that is awaited, or being read, is there in time."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_at(self._deadline, self.timeout_keep_alive_handler)

    def _is_short(self) -> bool:
        return (
            self.url == PATH
            and self._shortcut is not None
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.expect_100_continue
            and getattr(self.cycle, "response_complete", True)
            and not self.flow.write_paused
            and not self._leaving
            and self._shortcut.takes(self.headers)
        )

    def _write(self, status: int, headers: Headers, body: bytes) -> None:
        self._asked -= 1
        if self.transport.is_closing():
            return
        content = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers):
            content += (name, b": ", value, b"\r\n")
        content += (b"\r\n", body)
        self.transport.write(b"".join(content))
        self.on_response_complete()
        if self._leaving and not self._reading and not self._asked:
            self.transport.close()
