"""A copy of the repository with images, volumes and ports of its own, on a real Docker engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tests.copies import copy_repository

NOT_FOR_THE_COPY = ("MLFLOW", "MAKE", "MFLAGS", "ARGS", "PROJECT", "DATA_MIRROR", "ADMIN_KEY")
STACK = "portfolio-test"
PREFIX = f"{STACK}/"
APIS = {"bankchurn-api": "bankchurn", "carvision-api": "carvision", "telecom-api": "telecomai"}
PORTS = {
    "mlflow-server": ("MLFLOW_PORT", 25000),
    "bankchurn-api": ("BANKCHURN_PORT", 28001),
    "carvision-api": ("CARVISION_PORT", 28002),
    "telecom-api": ("TELECOM_PORT", 28003),
    "monitoring": ("MONITORING_PORT", 28010),
    "dashboard": ("DASHBOARD_PORT", 28501),
}


class Stack:
    """The stack as its user has it: make, docker and HTTP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_THE_COPY)},
            **{variable: str(port) for variable, port in PORTS.values()},
            "COMPOSE_PROJECT_NAME": STACK,
            # the copy belongs to somebody else
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": str(folder),
            "IMAGE_PREFIX": PREFIX,
            "TRAIN_ARGS": "--quick",
            "MONITORING_INTERVAL_SECONDS": "20",
        }
        copy_repository(folder)

    def run(self, *command: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy to its end, whatever that is; stdout and stderr come as one."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment | environment, input=typed, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900,
        )  # fmt: skip

    def must(self, *command: str, **environment: str) -> str:
        """What a command prints; it has to succeed."""
        done = self.run(*command, **environment)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def type(self, block: str) -> str:
        """Type lines into a shell, those after `docker exec -it` into the container's; returns what is shown."""
        first, _, rest = block.partition("\n")
        if first.startswith("docker exec -it"):
            done = self.run("script", "-qec", first, "/dev/null", typed=rest)  # which gives it a terminal
        else:
            done = self.run("bash", "-e", "-c", block)
        assert done.returncode == 0, f"{block}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def docker(self, *arguments: str) -> str:
        """What docker prints, without the line's end."""
        return self.must("docker", *arguments).strip()

    def inspect(self, container: str, template: str) -> str:
        """One fact of a container."""
        return self.docker("inspect", "--format", template, container)

    def health(self, service: str) -> str:
        """What the engine thinks of a container."""
        return self.inspect(service, "{{.State.Health.Status}}")


def blocks(page: Path) -> list[str]:
    """The commands of a page, block by block, with the ports of the copy."""
    text = page.read_text(encoding="utf-8")
    for _, port in PORTS.values():
        text = text.replace(f"localhost:{port - 20_000}", f"localhost:{port}")
    return re.findall(r"^```bash\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def address(service: str, path: str = "") -> str:
    """Where a service is published."""
    return f"http://127.0.0.1:{PORTS[service][1]}{path}"


def ask(url: str, body: dict[str, Any] | None = None, *, key: str = "") -> tuple[int, Any]:
    """Status and JSON (else text); status 0 where nothing answers. A POST where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    try:
        with urlopen(Request(url, data=data, headers=headers), timeout=30) as answer:
            status, content = answer.status, answer.read()
    except HTTPError as error:
        status, content = error.code, error.read()
    except (URLError, OSError):
        return 0, None
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode()


def predict(url: str) -> dict[str, Any]:
    """The answer to the first example of an API's own document."""
    schemas = ask(f"{url}/openapi.json")[1]["components"]["schemas"]
    example = next(schema["examples"][0] for schema in schemas.values() if "examples" in schema)
    status, answer = ask(f"{url}/predict", example)
    assert status == 200, answer
    parsed: dict[str, Any] = answer
    return parsed


def seconds_until(true: Callable[[], bool], *, at_most: float) -> float:
    """How long it takes for something to become true."""
    begun = time.monotonic()
    while not true():
        taken = time.monotonic() - begun
        assert taken <= at_most, f"not within {at_most} s"
        time.sleep(0.1)
    return time.monotonic() - begun
