"""A whole service keeps what it answers: real processes, a real store, real signals."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from services import Service, installed, running
from toys import ORDER, orders

from portfolio.spec import ModelSpec


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """A project as an installed package."""
    return installed(tmp_path_factory.mktemp("kept") / "toylate")


@contextmanager
def keeping(spec: ModelSpec, folder: Path, **settings: str) -> Iterator[Service]:
    """The service with a store of its own, and only it."""
    with running(spec, DATABASE_URL=f"sqlite:///{folder / 'store.db'}", **settings) as service:
        yield service


def stored(folder: Path) -> dict[str, tuple[object, ...]]:
    """What is in the store, by prediction id."""
    if not (folder / "store.db").exists():
        return {}
    with closing(sqlite3.connect(folder / "store.db", timeout=30)) as connection:
        try:
            rows = connection.execute(
                "SELECT prediction_id, project, model_version, role, decision, request_id, entity_id, features"
                " FROM model_predictions"
            ).fetchall()
        except sqlite3.OperationalError:
            return {}
    return {row[0]: row[1:] for row in rows}


def wait_until(happened: object, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)


def metrics(service: Service) -> dict[str, float]:
    with service.client() as client:
        text = client.get("/metrics").text
    return {name: float(value) for name, value in re.findall(r"^(journal_\S+) (\S+)$", text, re.MULTILINE)}


def test_every_answer_is_in_the_store_a_moment_later(spec: ModelSpec, tmp_path: Path) -> None:
    with keeping(spec, tmp_path, WORKERS="2") as service, service.client() as client:
        ids = set()
        for number, row in enumerate(orders(50)):
            headers = {"X-Request-ID": f"r{number}", "X-Entity-ID": f"customer {number}"}
            ids.add(client.post("/predict", json=row, headers=headers).json()["prediction_id"])
        batch = client.post("/predict/batch", json={"instances": orders(5)}, headers={"X-Entity-ID": "nobody"}).json()
        ids |= {one["prediction_id"] for one in batch["predictions"]}
        ids.add(client.post("/explain", json=ORDER).json()["prediction_id"])
        client.post("/predict?dry_run=true", json=ORDER)
        wait_until(lambda: stored(tmp_path).keys() == ids)
        wait_until(lambda: metrics(service)["journal_shipped_total"] == 56)
        shown = metrics(service)
    rows = stored(tmp_path).values()
    assert {row[4] for row in rows} >= {f"r{number}" for number in range(50)}
    assert {row[5] for row in rows} == {"", *(f"customer {number}" for number in range(50))}
    assert {(row[0], row[1], row[2]) for row in rows} == {("toylate", "v1", "champion")}
    assert shown["journal_predictions_total"] == 56
    assert (shown["journal_bytes"], shown["journal_oldest_seconds"], shown["journal_store_up"]) == (0, 0, 1)
    assert service.program.returncode == 0
    assert list((spec.root / "journal").iterdir()) == []


def test_what_a_killed_service_leaves_is_taken_by_the_next(spec: ModelSpec, tmp_path: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none"
    with running(spec, DATABASE_URL=away) as service, service.client() as client:
        ids = {client.post("/predict", json=row).json()["prediction_id"] for row in orders(20)}
        wait_until(lambda: metrics(service).get("journal_store_up") == 0)
        assert metrics(service)["journal_bytes"] > 0
        service.program.send_signal(signal.SIGKILL)
        service.program.wait()
    assert len(list((spec.root / "journal").glob("*.segment"))) == 1
    with keeping(spec, tmp_path):
        wait_until(lambda: stored(tmp_path).keys() == ids)


def test_a_project_may_do_without(tmp_path: Path) -> None:
    spec = installed(tmp_path / "toylate")
    with (spec.root / "configs" / "config.yaml").open("a") as config:
        config.write("journal: false\n")
    with keeping(spec, tmp_path) as service, service.client() as client:
        assert client.post("/predict", json=ORDER).status_code == 200
        assert metrics(service) == {}
        children = Path(f"/proc/{service.program.pid}/task/{service.program.pid}/children").read_text()
        assert children == ""
    assert not (spec.root / "journal").exists()


def test_a_worker_never_loads_what_the_store_needs(spec: ModelSpec, tmp_path: Path) -> None:
    with keeping(spec, tmp_path) as service, service.client() as client:
        client.post("/predict", json=ORDER)
        wait_until(lambda: metrics(service)["journal_shipped_total"] >= 1)
        maps = Path(f"/proc/{service.program.pid}/maps").read_text()
    assert "onnxruntime" in maps
    assert "sqlalchemy" not in maps
    assert (tmp_path / "store.db").exists()


def test_what_cannot_be_kept_is_refused_at_the_connection_too(tmp_path: Path) -> None:
    spec = installed(tmp_path / "toylate")
    (spec.root / "journal").touch()
    with keeping(spec, tmp_path, JOURNAL_WHEN_FULL="refuse") as service, service.client() as client:
        answer = client.post("/predict", json=ORDER)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["title"] == "Journal full"
        assert client.post("/predict", json={}).status_code == 422
        (spec.root / "journal").unlink()
        wait_until(lambda: client.post("/predict", json=ORDER).status_code == 200)


def test_a_store_that_stays_away_costs_the_oldest_predictions_and_no_answer(tmp_path: Path) -> None:
    spec = installed(tmp_path / "toylate")
    away = "postgresql://nobody@127.0.0.1:1/none"
    with running(spec, DATABASE_URL=away, JOURNAL_MAX_MB="1", WORKERS="2") as service, service.client() as client:
        for _ in range(6):
            batch = client.post("/predict/batch", json={"instances": orders(2000)})
            assert batch.status_code == 200
        shown = metrics(service)
        assert sum(file.stat().st_size for file in (spec.root / "journal").iterdir()) <= 2**20
    assert shown["journal_predictions_total"] == 12_000
    assert shown['journal_lost_total{reason="full"}'] >= 6_000
    service_log = [line["message"] for line in service.log]
    assert service_log.count("predictions are lost") >= 1
    assert service_log.count("the store takes no predictions, they stay in the journal") == 1
