"""Services as a user starts them: real processes, real ports, real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import pytest
from toys import LATE, go_live, project, write_bundle

from portfolio.spec import ModelSpec

TESTS = Path(__file__).parent
PROGRAM = (
    "import sys; from toylate.model import SPEC; from portfolio import terminal; from portfolio.serving import command;"
)
PROGRAM += "terminal.run(lambda: command.serve(SPEC, host='127.0.0.1', port=int(sys.argv[1])))"
MODEL = """
from pathlib import Path
from dataclasses import replace
from toys import LATE
SPEC = replace(LATE, folder=Path({folder!r}))
"""
API = """
from portfolio.serving import create_app
from toylate.model import SPEC
app = create_app(SPEC)
"""


def installed(folder: Path) -> ModelSpec:
    """A project with a live model that is installed as a package, as far as Python can tell."""
    placed = project(LATE, folder)
    go_live(write_bundle(placed, placed.root / "models" / "v1"), model_version="v1")
    package = placed.root / "src" / "toylate"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model.py").write_text(MODEL.format(folder=str(placed.root)))
    (package / "api.py").write_text(API)
    about = placed.root / "src" / "toylate-1.2.3.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toylate\nVersion: 1.2.3\n")
    (about / "entry_points.txt").write_text("[portfolio.projects]\ntoylate = toylate.model:SPEC\n")
    return placed


def start(spec: ModelSpec, port: int, **settings: str) -> subprocess.Popen[str]:
    """A service of its own."""
    path = os.pathsep.join([str(spec.root / "src"), str(TESTS)])
    environment = os.environ | {"PYTHONPATH": path, "MLFLOW_TRACKING_URI": "", "LOG_FORMAT": "json"}
    environment |= {"DRAIN_SECONDS": "0"} | settings
    command = [sys.executable, "-c", PROGRAM, str(port)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=spec.root)


def stop(service: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str]:
    """(exit code, log) of a service that got a signal."""
    service.send_signal(how)
    try:
        log = service.communicate(timeout=30)[1]
    finally:
        service.kill()
    return service.returncode, log


def wait_until_it_answers(service: subprocess.Popen[str], client: httpx.Client) -> dict[str, Any]:
    """The first answer of /health."""
    until = time.monotonic() + 120
    while time.monotonic() < until and service.poll() is None:
        try:
            return dict(client.get("/health").json())
        except httpx.TransportError:
            time.sleep(0.05)
    service.kill()
    return pytest.fail(f"it never answered: {service.communicate()[1]}")


def free_port() -> int:
    """A port that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """A running service; its log is there once it was stopped."""

    port: int
    program: subprocess.Popen[str]
    log: list[dict[str, Any]] = field(default_factory=list)

    def client(self) -> httpx.Client:
        """A client that keeps its connections."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    def stop(self) -> int:
        """Its exit code after SIGTERM."""
        code, log = stop(self.program, signal.SIGTERM)
        self.log = [orjson.loads(line) for line in log.splitlines()]
        return code


@contextmanager
def running(spec: ModelSpec, **settings: str) -> Iterator[Service]:
    """A service that answers, until the block ends."""
    port = free_port()
    service = Service(port, start(spec, port, **settings))
    with service.client() as client:
        wait_until_it_answers(service.program, client)
    try:
        yield service
    finally:
        if service.program.poll() is None:
            service.stop()
        if service.program.stderr:
            service.program.stderr.close()


@dataclass
class Reply:
    """One HTTP answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body."""
        return orjson.loads(self.body)


class Wire:
    """A connection on which a test says when which bytes are sent."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(content)

    def read(self) -> Reply | None:
        """The next answer; None where the connection was closed instead."""
        head = self.file.readline()
        if not head:
            return None
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(": ")
            headers[name] = value.strip()
        return Reply(int(head.split()[1]), headers, self.file.read(int(headers.get("content-length", 0))))

    def read_final(self) -> Reply | None:
        """The next answer that is no "100 Continue"."""
        reply = self.read()
        return self.read() if reply is not None and reply.status == 100 else reply


def post(body: bytes, path: str = "/predict", **headers: str) -> bytes:
    """A POST request as bytes."""
    named = {"content_type": "application/json"} | headers
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
