"""`make health` and `make logs-*` look at the containers where some run, else at the demo, with nothing but a shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEALTH = {"status": "healthy", "version": "1.0.0", "model_version": "3"}
DOCKER = """#!/bin/sh
case "$*" in
  "compose --profile * ps --quiet" | "compose ps --all --quiet") echo 0123456789ab ;;
  "compose config") cat {config} ;;
  "compose logs"*) echo "$@" ;;
esac
"""
Answering = Callable[[str, int, object], int]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Start a server that answers so at one path, and 404 elsewhere; returns its port."""
    servers: list[ThreadingHTTPServer] = []

    def start(path: str, status: int, body: object) -> int:
        class Canned(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == path else 404)
                self.end_headers()
                self.wfile.write(body.encode() if isinstance(body, str) else json.dumps(body).encode())

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of scripts and a Procfile, on a machine whose docker has no engine."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    docker(tmp_path, "#!/bin/sh\nexit 1\n")
    return tmp_path


def docker(folder: Path, script: str) -> None:
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "docker").write_text(script)
    (folder / "bin" / "docker").chmod(0o755)


def procfile(folder: Path, **ports: int) -> None:
    commands = {"mlflow": "mlflow server", "monitoring": "exec portfolio monitoring"}
    lines = [f"{name}: {commands.get(name, f'exec portfolio serve {name}')} --port {p}" for name, p in ports.items()]
    (folder / "Procfile").write_text("# what runs\n" + "\n".join(lines) + "\n")


def run(folder: Path, *command: str, seconds: float = 30) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    environment.pop("DEMO_PORT_OFFSET", None)
    return subprocess.run(
        ["timeout", str(seconds), *command], cwd=folder, env=environment, check=False, capture_output=True, text=True
    )


def test_every_service_of_the_demo_is_a_line_with_address_state_and_version(folder: Path, answering: Answering) -> None:
    ports = {
        "mlflow": answering("/version", 200, "3.17.2"),
        "bankchurn": answering("/health", 200, HEALTH),
        "monitoring": answering("/health", 200, {"status": "healthy", "version": "1.0.0", "projects": []}),
    }
    procfile(folder, **ports)
    done = run(folder, "scripts/health.sh")
    assert done.returncode == 0, done.stdout
    assert [line.split() for line in done.stdout.splitlines()] == [
        [name, f"http://localhost:{port}", "healthy", version]
        for (name, port), version in zip(ports.items(), ("3.17.2", "3", "1.0.0"), strict=True)
    ]


def test_one_that_is_down_says_why_and_ends_it_with_1(folder: Path, answering: Answering) -> None:
    procfile(folder, bankchurn=answering("/health", 503, HEALTH), carvision=1)
    done = run(folder, "scripts/health.sh")
    assert done.returncode == 1
    assert "down: answers 503" in done.stdout.splitlines()[0]
    assert "down: does not answer" in done.stdout.splitlines()[1]


def test_where_containers_run_those_are_meant_by_their_names_and_ports(folder: Path, answering: Answering) -> None:
    procfile(folder, bankchurn=1)
    config = folder / "config"
    config.write_text(
        CONFIG.format(api=answering("/health", 200, HEALTH), board=answering("/_stcore/health", 200, "ok"))
    )
    docker(folder, DOCKER.format(config=config))
    done = run(folder, "scripts/health.sh")
    assert done.returncode == 0, done.stdout
    assert sorted(line.split()[0] for line in done.stdout.splitlines()) == ["dashboard", "telecom-api"]


def test_logs_of_the_demo_are_followed_by_name(folder: Path) -> None:
    procfile(folder, bankchurn=1, carvision=2, monitoring=3)
    logs = folder / ".demo" / "logs"
    logs.mkdir(parents=True)
    for name in ("bankchurn", "carvision", "monitoring"):
        (logs / f"{name}.log").write_text(f"from {name}\n")
    assert run(folder, "scripts/logs.sh", "monitoring", seconds=1).stdout == "from monitoring\n"
    both = run(folder, "scripts/logs.sh", "api", seconds=1).stdout
    assert "from bankchurn" in both
    assert "from carvision" in both
    assert "from monitoring" not in both
    assert run(folder, "scripts/logs.sh", "api", "carvision", seconds=1).stdout == "from carvision\n"


def test_logs_end_where_nobody_wants_to_follow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOW", "0")
    procfile(folder, monitoring=3)
    (folder / ".demo" / "logs").mkdir(parents=True)
    (folder / ".demo" / "logs" / "monitoring.log").write_text("from monitoring\n")
    done = run(folder, "scripts/logs.sh", "monitoring", seconds=5)
    assert (done.returncode, done.stdout) == (0, "from monitoring\n")
    config = folder / "config"
    config.write_text(CONFIG.format(api=1, board=2))
    docker(folder, DOCKER.format(config=config))
    assert run(folder, "scripts/logs.sh", "monitoring").stdout == "compose logs --tail 100 monitoring\n"


def test_logs_of_containers_are_asked_by_the_containers_names(folder: Path) -> None:
    procfile(folder, bankchurn=1, telecomai=2, monitoring=3)
    config = folder / "config"
    config.write_text(CONFIG.format(api=1, board=2))
    docker(folder, DOCKER.format(config=config))
    assert run(folder, "scripts/logs.sh", "api", "telecomai").stdout.endswith("--tail 100 telecom-api\n")
    assert run(folder, "scripts/logs.sh", "monitoring").stdout.endswith("--tail 100 monitoring\n")


@pytest.mark.parametrize(
    ("arguments", "said"), [(("api", "nobody"), "there is no service nobody"), (("monitoring",), "make demo-up")]
)
def test_where_nothing_is_to_be_seen_one_line_says_so(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    procfile(folder, bankchurn=1)
    done = run(folder, "scripts/logs.sh", *arguments)
    assert done.returncode == 1
    assert said in done.stderr


CONFIG = """name: portfolio
services:
  dashboard:
    container_name: dashboard
    image: portfolio/dashboard:demo
    ports:
      - mode: ingress
        host_ip: 127.0.0.1
        target: 8501
        published: "{board}"
  init:
    container_name: portfolio-init
    image: portfolio/tools:demo
  telecom-api:
    container_name: telecom-api
    image: portfolio/telecomai-full:demo
    ports:
      - mode: ingress
        host_ip: 127.0.0.1
        target: 8000
        published: "{api}"
"""
