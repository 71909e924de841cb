"""Real programs and real HTTP servers, small ones."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from portfolio.demo.interrupt import Interrupt
from portfolio.demo.procfile import Service
from portfolio.demo.stack import Stack

Answers = dict[str, tuple[int, Any]]


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=160, soft_wrap=True)


@pytest.fixture
def stack(tmp_path: Path, console: Console) -> Iterator[Stack]:
    services = (
        Service("mlflow", "echo from mlflow; exec sleep 60", 25000),
        Service("bankchurn", "echo from bankchurn; exec sleep 60", 28001),
    )
    stack = Stack(tmp_path, services, Interrupt(), console)
    yield stack
    stack.stop()


@pytest.fixture
def answering() -> Iterator[Callable[[Answers], int]]:
    """Start a server that gives canned answers by path (404 elsewhere); returns its port."""
    servers: list[ThreadingHTTPServer] = []

    def start(answers: Answers) -> int:
        class Canned(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, {}))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode() if isinstance(body, str) else json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
