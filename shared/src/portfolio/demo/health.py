"""How a service is: asked over HTTP, as anyone would."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from portfolio.demo.errors import DemoError
from portfolio.demo.procfile import DASHBOARD, MLFLOW, Service
from portfolio.demo.stack import Stack
from portfolio.demo.state import log_of

ANSWER_SECONDS, START_SECONDS = 2.0, 60.0
LINE_LENGTH = 300
# How to see that one is up which is no API of ours.
OTHERS = {
    MLFLOW: "/version",
    "mlflow-server": "/version",
    DASHBOARD: "/_stcore/health",
    "prometheus": "/-/healthy",
    "alertmanager": "/-/healthy",
    "grafana": "/api/health",
}


@dataclass(frozen=True)
class Report:
    """A service at one moment. `reason` says why it isn't healthy and where to look."""

    name: str
    url: str
    healthy: bool = False
    answers: bool = False
    version: str = ""
    data: str = ""
    headline: str = ""
    reason: str = ""


def wait_for_mlflow(stack: Stack) -> None:
    """Raise DemoError, with the reason and the log, where it doesn't come up."""
    [report] = wait_for(stack, [stack.mlflow], modelless={})
    if not report.healthy:
        raise DemoError(f"{report.name}: {report.reason}.", remedy="The log's last lines tell why.")


def wait_for(stack: Stack, services: Sequence[Service], *, modelless: Mapping[str, str]) -> tuple[Report, ...]:
    """Ask until all are healthy, have ended, or their time is over. `modelless` says who has no model, and why."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        reports = [ask(service) for service in services]
        ended = stack.ended()
        late = time.monotonic() > deadline
        if late or all(r.healthy or r.name in ended or (r.answers and r.name in modelless) for r in reports):
            return tuple(_explained(report, stack, ended, modelless) for report in reports)
        stack.pause()


def look(root: Path, service: Service) -> Report:
    """One look at a service, with the log of one that isn't healthy."""
    report = ask(service)
    return report if report.healthy else replace(report, reason=f"{report.reason}; log: {log_of(root, report.name)}")


def ask(service: Service) -> Report:
    """One look at a service; whatever goes wrong is in the report."""
    report = Report(service.name, service.url)
    path = OTHERS.get(service.name, "/health")
    status, health = get(service.address + path)
    if status == 0:
        return replace(report, reason="does not answer")
    if status != 200:
        return replace(report, answers=True, reason=f"answers {status}")
    if path == "/version":
        return replace(report, healthy=True, answers=True, version=str(health))
    if path != "/health":
        return replace(report, healthy=True, answers=True)
    if "projects" in health:
        return replace(report, healthy=True, answers=True, version=health["version"], headline=looked(health))
    info = get(f"{service.address}/model/info")[1]
    return replace(
        report,
        healthy=True,
        answers=True,
        version=str(health["model_version"]),
        data=info["data"]["label"],
        headline=headline(info),
    )


def looked(health: Mapping[str, Any]) -> str:
    """What the monitoring service decided of each project that it has looked at."""
    return ", ".join(f"{each['project']} {each['decision']}" for each in health["projects"] if each["decision"])


def headline(info: Mapping[str, Any]) -> str:
    """The one figure of a model, with its interval."""
    name = info["task"]["headline"]
    figure = info["metrics"]["model"][name]
    return f"{name} {figure['value']:.4g} [{figure['low']:.4g}, {figure['high']:.4g}]"


def get(address: str) -> tuple[int, Any]:
    """Status and body (JSON, else text) of a GET beside us; status 0 where nothing answers."""
    direct = build_opener(ProxyHandler({}))  # a proxy in the environment is for other machines
    try:
        with direct.open(address, timeout=ANSWER_SECONDS) as answer:
            return answer.status, _body(answer.read())
    except HTTPError as error:
        return error.code, _body(error.read())
    except (OSError, HTTPException):
        return 0, None


def _body(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _explained(report: Report, stack: Stack, ended: Mapping[str, int], modelless: Mapping[str, str]) -> Report:
    if report.healthy:
        return report
    log, reason = log_of(stack.root, report.name), report.reason
    if report.name in ended:
        reason = f"ended with exit code {ended[report.name]}: {_last_line(log)}"
    if report.name in modelless:
        reason = f"{reason}; no model: {modelless[report.name]}"
    return replace(report, reason=f"{reason}; log: {log}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip()[:LINE_LENGTH] for line in reversed(lines) if line.strip()), "without a word")
