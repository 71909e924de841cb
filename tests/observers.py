"""Prometheus and Alertmanager of the distribution, on free ports, and what listens to them."""

from __future__ import annotations

import json
import re
import shutil
import socketserver
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import yaml
from services import free_port

ROOT = Path(__file__).parents[1]
PROMETHEUS, ALERTMANAGER = ROOT / "deploy" / "prometheus", ROOT / "deploy" / "alertmanager"
DIRECT = build_opener(ProxyHandler({}))


def program(*names: str) -> str:
    """The path of a program, by its name upstream or in the distribution; skips where there is none."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"needs {names[0]}: make test-servers")
    return found


def get(address: str) -> Any:
    """The JSON or text of an address."""
    with DIRECT.open(address, timeout=10) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith(("{", "[")) else text


def post(address: str, content: Any) -> None:
    """POST some JSON."""
    body = json.dumps(content).encode()
    DIRECT.open(Request(address, body, {"Content-Type": "application/json"}), timeout=10).close()


def until(found: Callable[[], Any], *, seconds: float = 30, otherwise: Callable[[], str] = lambda: "") -> Any:
    """The first thing found that is true; nobody who is not there yet is an error before the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if value := found():
                return value
        except OSError:
            pass
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)


@contextmanager
def started(command: list[str], folder: Path, *, ready: str, **settings: Any) -> Iterator[Path]:
    """A program that answers at `ready` until the block ends; its log."""
    log = folder / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, **settings)
    try:
        until(lambda: _alive(running, log) and get(ready), otherwise=log.read_text)
        yield log
    finally:
        running.terminate()
        running.wait(20)


def _alive(running: subprocess.Popen[bytes], log: Path) -> bool:
    assert running.poll() is None, log.read_text()
    return True


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query; an expression that is wrong raises HTTPError."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def targets(self) -> dict[str, str]:
        """Address and health of all that is scraped."""
        return {target["labels"]["instance"]: target["health"] for target in self._get("targets")["activeTargets"]}

    def firing(self) -> set[tuple[str, str]]:
        """(alert, project) of what is firing."""
        found = self.query('ALERTS{alertstate="firing"}')
        return {(each["metric"]["alertname"], each["metric"].get("project", "")) for each in found}

    def _get(self, what: str, **asked: str) -> Any:
        return get(f"{self.address}/api/v1/{what}?{urlencode(asked)}")["data"]


@contextmanager
def prometheus(folder: Path, jobs: dict[str, list[dict[str, Any]]], alertmanager: str) -> Iterator[Prometheus]:
    """The repository's own configuration with other targets, and seconds for minutes."""
    shutil.copytree(PROMETHEUS, folder, dirs_exist_ok=True)
    config = yaml.safe_load((folder / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    assert {job["job_name"] for job in config["scrape_configs"]} == jobs.keys()
    for job in config["scrape_configs"]:
        job["static_configs"] = jobs[job["job_name"]]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    for path in (folder / "rules").glob("*.yml"):
        path.write_text(re.sub(r"(for|interval): \d+[mh]\n", r"\1: 2s\n", path.read_text()))
    port = free_port()
    command = [program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    address = f"http://127.0.0.1:{port}"
    with started([*command, f"--web.listen-address=127.0.0.1:{port}"], folder, ready=f"{address}/-/ready"):
        yield Prometheus(address)


@contextmanager
def alertmanager(folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """(address, log) of an Alertmanager by the repository's own start, in seconds for minutes."""
    wanted = program("alertmanager", "prometheus-alertmanager")
    shutil.copytree(ALERTMANAGER, folder, dirs_exist_ok=True)
    config = folder / "alertmanager.yml"
    config.write_text(re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", config.read_text()))
    port = free_port()
    command = ["/bin/sh", f"{folder}/start.sh", wanted, "--storage.path=data", "--cluster.listen-address="]
    address = f"http://127.0.0.1:{port}"
    settings = {"env": {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)} | environment}
    with started(
        [*command, f"--web.listen-address=127.0.0.1:{port}"], folder, ready=f"{address}/-/ready", **settings
    ) as log:
        yield address, log


@dataclass
class Webhook:
    """What was posted to it."""

    address: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The last that was told of each alert, by its name."""
        return {alert["labels"]["alertname"]: alert for told in self.received for alert in told["alerts"]}


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Somebody's webhook."""
    hook = Webhook()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        hook.address = f"http://127.0.0.1:{server.server_port}/hook?token=s3cret"
        yield hook
        server.shutdown()


@contextmanager
def text(content: str) -> Iterator[str]:
    """The address of a server that says the same whatever it is asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass
class Mailbox:
    """What was mailed through it, and with which password."""

    address: str = ""
    mails: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A mail server that knows as much of SMTP as Alertmanager needs."""
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().rstrip():
                verb, _, rest = line.partition(" ")
                if verb in ("EHLO", "HELO"):
                    self._say("250-here\r\n250 AUTH PLAIN")
                elif verb == "AUTH":
                    box.logins.append(b64decode(rest.partition(" ")[2]))
                    self._say("235 fine")
                elif verb == "DATA":
                    self._say("354 go on")
                    box.mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                    self._say("250 kept")
                else:
                    box.recipients += [rest.removeprefix("TO:")] if verb == "RCPT" else []
                    self._say("221 bye" if verb == "QUIT" else "250 fine")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Session) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        box.address = f"127.0.0.1:{server.server_address[1]}"
        yield box
        server.shutdown()
