"""What the store has of a service's predictions reaches /monitoring/stats, and a store that is away is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from services import Service, running
from toys import orders

from portfolio import store
from portfolio.serving.board import Board
from portfolio.serving.view import View
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.store import MonitoringRun

NOW = datetime.now(UTC)
RUN = MonitoringRun(
    project="toylate",
    at=NOW,
    since=NOW - timedelta(days=7),
    until=NOW,
    model_version="1",
    bundle="v1",
    decision="retrain",
    reasons=("distance: PSI 0.31, limit 0.20 (0.02 by chance)",),
    rows=100,
    labelled=0,
    findings={"drift": [{"feature": "distance", "psi": 0.31, "state": "act"}], "drifted_share": 1.0},
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path}/portfolio.db")


def test_a_look_posts_what_the_store_has(settings: Settings, tmp_path: Path) -> None:
    store.add_run(RUN, settings)
    board = Board(tmp_path)
    View("toylate", settings, board).look()
    watched = Board(tmp_path).watched()
    assert watched is not None
    assert watched.summary is not None
    assert (watched.summary["total"]["number"], watched.problem) == (0, "")
    assert (watched.drift, watched.alerts) == ({"distance": 0.31}, ("distance",))


def test_a_store_that_goes_away_leaves_what_was_seen_and_says_so(settings: Settings, tmp_path: Path) -> None:
    store.add_run(RUN, settings)
    board = Board(tmp_path)
    View("toylate", settings, board).look()
    away = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/nowhere/portfolio.db"})
    View("toylate", away, board).look()
    watched = board.watched()
    assert watched is not None
    assert watched.alerts == ("distance",)
    assert watched.problem


def test_predictions_of_a_service_become_visible_to_whoever_asks_it(spec: ModelSpec, settings: Settings) -> None:
    store.add_run(RUN, settings)
    with running(spec, WORKERS="2", DATABASE_URL=settings.database_url) as service:
        with service.client() as client:
            for row in orders(30):
                assert client.post("/predict", json=row).status_code == 200
        said = eventually(service, lambda said: said["total"] and said["total"]["predictions"] == 30)
        with service.client() as client:
            metrics = client.get("/metrics").text
            alerts = client.get("/stats").json()["drift_alerts"]
    assert said["last_hour"]["predictions"] == 30
    assert 0 <= said["last_100"]["positive_rate"] <= 1
    assert said["last_run"]["decision"] == "retrain"
    assert 'model_prediction_drift{feature="distance"} 0.31' in metrics
    assert alerts == 1


def eventually(service: Service, condition: Any) -> dict[str, Any]:
    """What /monitoring/stats says once it is so: the store is read every ten seconds."""
    until = time.monotonic() + 40
    with service.client() as client:
        while True:
            said: dict[str, Any] = client.get("/monitoring/stats").json()
            if condition(said):
                return said
            assert time.monotonic() < until, said
            time.sleep(0.2)
