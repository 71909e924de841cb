"""The Procfile: the one list of the processes that make up the demo."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from portfolio.errors import ConfigError
from portfolio.settings import repository

MLFLOW, MONITORING, DASHBOARD = "mlflow", "monitoring", "dashboard"
LINE = re.compile(r"^(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>.+)$")
PORT = re.compile(r"(?<=[-.]port )\d+\b")  # --port 8001, --server.port 8501


@dataclass(frozen=True)
class Service:
    """A line of the Procfile: a shell command that listens on `port`. `inside`: where it is asked, if not there."""

    name: str
    command: str
    port: int
    inside: str = ""

    @property
    def url(self) -> str:
        """Where it answers, for people."""
        return f"http://localhost:{self.port}"

    @property
    def address(self) -> str:
        """Where it is asked."""
        return self.inside or f"http://127.0.0.1:{self.port}"

    @property
    def both(self) -> str:
        """Both, as the dashboard's settings have them: it asks the one and links to the other."""
        return f"{self.address}={self.url}"


def find_root(folder: Path) -> Path:
    """The folder that holds the Procfile: this one or the nearest above it."""
    root = repository(folder)
    if root is None:
        raise ConfigError(f"There is no Procfile in {folder} or above it.", remedy="Run it inside the repository.")
    return root


def read_procfile(path: Path, *, port_offset: int = 0) -> tuple[Service, ...]:
    """Its services in order, every port moved by `port_offset`; ConfigError names the line that can't be read."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    services = tuple(_moved(_service(line), port_offset) for line in lines if line and not line.startswith("#"))
    names = [service.name for service in services]
    if len(set(names)) < len(names) or MLFLOW not in names:
        remedy = f"Name every service once, and {MLFLOW} among them."
        raise ConfigError(f"{path} names {', '.join(names) or 'nothing'}.", remedy=remedy)
    return services


def _service(line: str) -> Service:
    parts = LINE.match(line)
    ports = PORT.findall(line)
    if not parts or len(ports) != 1:
        raise ConfigError(f"The Procfile has the line {line!r}.", remedy="Write it as `name: command --port 8001`.")
    return Service(parts["name"], parts["command"], int(ports[0]))


def _moved(service: Service, by: int) -> Service:
    port = service.port + by
    if not 1 <= port <= 65535:
        raise ConfigError(f"{service.name} would get port {port}.", remedy="Choose another DEMO_PORT_OFFSET.")
    return replace(service, port=port, command=PORT.sub(str(port), service.command))
