"""An HTTP server of a test's own, on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def serving(api: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Answer as `api` does until the block ends; the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), api)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
