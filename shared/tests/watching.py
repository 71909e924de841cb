"""What a running service does, seen from outside: its answers, its processes, what these tell each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from services import Service

from portfolio.serving.board import start_time

KEY = {"x-api-key": "correct horse"}
OPEN = {"ADMIN_KEY": "correct horse"}


def until(found: Callable[[], Any], *, seconds: float = 60) -> Any:
    """The first thing found that is true."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return value


def ask(service: Service, path: str) -> Any:
    """What a path answers."""
    with service.client() as client:
        return client.get(path).json()


def metrics(service: Service) -> str:
    """What /metrics shows."""
    with service.client() as client:
        return client.get("/metrics").text


def reload(service: Service) -> tuple[int, dict[str, Any]]:
    """Status and answer of POST /admin/reload."""
    with service.client() as client:
        answer = client.post("/admin/reload", headers=KEY, timeout=60)
        return answer.status_code, answer.json()


def version(service: Service) -> str:
    """What answers now."""
    return str(ask(service, "/health")["model_version"])


def sidecars(service: Service) -> list[int]:
    """Ids of the service's children with the sidecar's command."""
    return [child for child in children(service.program.pid) if b"portfolio.serving.sidecar" in _command(child)]


def children(parent: int) -> list[int]:
    """Ids of the processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(") ")[2].split()[1]) == parent:
                found.append(int(folder.name))
    return found


def workers(folder: Path) -> dict[int, str | None]:
    """What each worker of the service whose temporary files are in a folder serves, by its id."""
    found = (orjson.loads(file.read_bytes()) for file in folder.glob("portfolio-*/*.notice"))
    return {each["pid"]: each["model_version"] for each in found if start_time(each["pid"]) == each["started"]}


def messages(service: Service) -> list[str]:
    """The log's messages; the service is stopped for them."""
    service.stop()
    return [line["message"] for line in service.log]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
