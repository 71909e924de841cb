"""A demo stack of the tests' own: a copy of the repository, trained quickly, on free ports, with an admin key."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

from tests.copies import copy_repository

PORTS = {"mlflow": 5000, "monitoring": 8010, "bankchurn": 8001, "carvision": 8002, "telecomai": 8003, "dashboard": 8501}
PROJECTS = ("bankchurn", "carvision", "telecomai")
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "UV_", "PIP_", "SSL_", "no_proxy", "NO_PROXY")
"""Of the environment; the rest is a developer's own and not for the copy."""
ROWS = 300


class Demo:
    """The running stack."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.offset, self.key = folder, free_offset(), secrets.token_urlsafe(24)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name.startswith(KEPT)},
            "DEMO_PORT_OFFSET": str(self.offset),
            "ADMIN_KEY": self.key,
            "MONITORING_INTERVAL_SECONDS": "3600",  # a look that comes by itself would take a core from the browser
            "DATA_MIRROR": str(folder / "no-mirror"),  # so the samples are used, whatever this machine can reach
        }
        self.restarted: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, name: str) -> str:
        """Where a service is, as a browser on this machine opens it."""
        return f"http://localhost:{PORTS[name] + self.offset}"

    def get(self, name: str, path: str) -> Any:
        """The JSON that a service answers."""
        return httpx.get(f"{self.url(name)}{path}", timeout=20, trust_env=False).raise_for_status().json()

    def post(self, name: str, path: str, body: Any) -> Any:
        """The JSON that a service answers."""
        return httpx.post(f"{self.url(name)}{path}", json=body, timeout=60, trust_env=False).raise_for_status().json()

    def make(self, *arguments: str, **environment: str) -> str:
        """Run make to its end; returns what it printed."""
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            check=False,
            text=True,
            capture_output=True,
            timeout=400,
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs(3000)}"
        return done.stdout

    def monitor(self) -> None:
        """Let every model be judged, once."""
        done = subprocess.run(
            [self.folder / ".venv" / "bin" / "portfolio", "monitor", *PROJECTS],
            cwd=self.folder,
            env=self.environment | {"MLFLOW_TRACKING_URI": self.url("mlflow")},
            check=False,
            text=True,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode in (0, 1, 2), f"{done.returncode}\n{done.stdout}\n{done.stderr}"

    def logs(self, last: int = 10**9) -> str:
        """What every service of it has logged."""
        paths = sorted(self.folder.glob(".demo/logs/*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-last:]}" for path in paths)

    def stop(self, name: str) -> None:
        """End one service, as if it had failed."""
        again = self.restarted.pop(name, None)
        if again is not None:
            end(again)
            return
        os.killpg(self._group(name), signal.SIGTERM)
        wait_for(lambda: is_free(PORTS[name] + self.offset), f"{name} ends")

    def pause(self, name: str, *, again: bool = False) -> None:
        """Let a service accept questions and answer none, until it may go on again."""
        os.killpg(self._group(name), signal.SIGCONT if again else signal.SIGSTOP)

    def _group(self, name: str) -> int:
        groups = json.loads((self.folder / ".demo" / "state.json").read_text())["groups"]
        [pid] = [group["pid"] for group in groups if group["name"] == name]
        return int(pid)

    def start(self, name: str) -> None:
        """Start an API again that was stopped."""
        bin_ = self.folder / ".venv" / "bin"
        with (self.folder / ".demo" / "logs" / f"{name}-again.log").open("wb") as log:
            self.restarted[name] = subprocess.Popen(
                [bin_ / "portfolio", "serve", name, "--port", str(PORTS[name] + self.offset)],
                cwd=self.folder,
                env=self.environment | {"MLFLOW_TRACKING_URI": self.url("mlflow"), "PATH": f"{bin_}:{os.defpath}"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    """Trained, with a challenger of bankchurn, some traffic and a look of monitoring at it; stopped in the end."""
    copy_repository(folder)
    stack = Demo(folder)
    try:
        stack.make("demo-up", "ARGS=--quick")
        stack.make(
            "train", "PROJECT=bankchurn", "ARGS=--quick --register-model", MLFLOW_TRACKING_URI=stack.url("mlflow")
        )
        for name in PROJECTS:
            stack.post(name, "/predict/batch", {"instances": [example(stack, name)] * ROWS})
        for name in PROJECTS:
            wait_for(lambda name=name: stored(stack, name), f"the predictions of {name} are stored")  # type: ignore[misc]
        stack.monitor()
        yield stack
    finally:
        for process in stack.restarted.values():
            end(process)
        subprocess.run(["make", "demo-down"], cwd=folder, env=stack.environment, check=False, capture_output=True)


def stored(stack: Demo, name: str) -> bool:
    """Whether monitoring can see all that was predicted."""
    return bool((stack.get(name, "/monitoring/stats")["total"] or {}).get("predictions") == ROWS)


def example(stack: Demo, name: str) -> dict[str, Any]:
    """The request that the API's own documentation shows."""
    schemas = stack.get(name, "/openapi.json")
    body = schemas["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = schemas["components"]["schemas"][body["$ref"].rsplit("/", 1)[-1]]
    fields = {field: said["examples"][0] for field, said in schema["properties"].items() if said.get("examples")}
    return dict(next(iter(schema.get("examples", ())), fields))


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop it and all that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def wait_for(condition: Any, what: str, seconds: float = 180) -> None:
    """Wait for what has to come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def free_offset() -> int:
    """One that makes every port of the demo a free one, below those that the system gives away by itself."""
    offsets = random.Random().sample(range(12000, 23000, 10), 100)
    return next(offset for offset in offsets if all(is_free(port + offset) for port in PORTS.values()))


def is_free(port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) != 0
