"""A monitoring service in this process, over a real store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from portfolio.settings import MonitoringConfig, Settings
from portfolio.store import MonitoringRun
from portfolio.watch.app import build
from portfolio.watch.found import Last
from portfolio.watch.rounds import Rounds
from portfolio.watch.service import Service
from portfolio.watch.traffic import Traffic
from portfolio.watch.versions import Acts

PROJECTS = ("toycost", "toylate")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DRIFT = [
    {
        "feature": "distance",
        "psi": 0.31,
        "by_chance": 0.02,
        "test": "ks",
        "p_value": 0.001,
        "wasserstein": 4.2,
        "state": "act",
        "missing": 0.0,
        "missing_reference": 0.0,
        "bins": {"labels": ["up to 10", "more"], "reference": [0.5, 0.5], "current": [0.2, 0.8]},
    },
    {"feature": "score", "psi": 0.05, "by_chance": 0.02, "state": "ok", "bins": {}},
]
REAL = {
    "labelled": 150,
    "coverage": 0.15,
    "delay_seconds": 86400.0,
    "metrics": {"f1": {"value": 0.6, "low": 0.55, "high": 0.65, "reference": 0.62, "change": -0.03}},
    "state": "ok",
}
ESTIMATE = {"method": "CBPE", "metrics": {"roc_auc": {"value": 0.84, "low": 0.82, "high": 0.86, "reference": 0.86}}}


def a_run(project: str = "toylate", **changed: Any) -> MonitoringRun:
    """A run that found drift."""
    values: dict[str, Any] = {
        "project": project,
        "at": NOON,
        "since": NOON - timedelta(days=7),
        "until": NOON,
        "model_version": "3",
        "bundle": "v3",
        "decision": "retrain",
        "reasons": ("distance: PSI 0.31, limit 0.20 (0.02 by chance)",),
        "rows": 1000,
        "labelled": 150,
        "findings": {"drift": DRIFT, "drifted_share": 0.5, "performance": REAL, "estimate": ESTIMATE, "hit_rate": None},
        "report": "toylate-20260301T120000Z.html",
        "seconds": 8.5,
    }
    return MonitoringRun(**values | changed)


@dataclass
class Watch:
    """A service and who asks it."""

    service: Service
    client: TestClient

    @property
    def settings(self) -> Settings:
        return self.service.settings

    def json(self, path: str) -> Any:
        """What a GET answers, which has to be 200."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def metrics(self) -> list[str]:
        """The lines of /metrics."""
        return self.client.get("/metrics").text.splitlines()


def assembled(settings: Settings, projects: tuple[str, ...] = PROJECTS) -> Service:
    """A service that looks at nothing by itself."""
    rounds = Rounds(projects, lambda _: ["/bin/true"], newest=lambda _: None, prune=lambda: 0, seconds=300)
    last, traffic = Last(projects, settings), Traffic(dict.fromkeys(projects, "http://127.0.0.1:9"))
    return Service(
        dict.fromkeys(projects, MonitoringConfig()),
        settings,
        last,
        rounds,
        traffic,
        Acts(projects, settings),
        version="1.2.3",
    )


def asking(service: Service) -> TestClient:
    """Without the lifespan: rounds and traffic stand still."""
    return TestClient(build(service), raise_server_exceptions=False)
