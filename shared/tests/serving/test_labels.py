"""`POST /labels`: one or many, all that became of them, and nothing lost where the store is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from stores import BEGIN, prediction, predictions, ship
from toys import COST, LATE, project

from portfolio.errors import Overloaded, StoreError
from portfolio.predictions.labels import settle_aside
from portfolio.serving import create_app
from portfolio.serving.labels import WAITING, Labels, Pause
from portfolio.settings import Settings
from portfolio.store import summary

KEY = "correct horse"
IDS = [row.prediction_id for row in predictions(5)]
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A store with five predictions of the API's project."""
    address = f"sqlite:///{tmp_path}/store/portfolio.db"
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("ADMIN_KEY", KEY)
    settings = Settings(database_url=address)
    ship(predictions(5), settings)
    return settings


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """An API without a model: labels don't need one."""
    with TestClient(create_app(project(LATE, tmp_path / "toylate"))) as client:
        yield client


def label(number: int = 0, value: object = 1, **more: object) -> dict[str, object]:
    return {"prediction_id": IDS[number], "true_label": value, **more}


def outcomes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["outcome"] for row in answer.json()["labels"]]


def test_one_label_is_recorded_and_repeated(client: TestClient) -> None:
    answer = client.post("/labels", json=label(label_timestamp="2026-01-03T00:00:00Z", label_source="crm"))
    assert answer.json() == {
        "labels": [{"prediction_id": IDS[0], "outcome": "recorded"}],
        "counts": {"recorded": 1},
    }
    assert outcomes(client.post("/labels", json=label())) == ["repeated"]


def test_a_list_and_an_object_with_a_list_are_many(client: TestClient) -> None:
    assert outcomes(client.post("/labels", json=[label(0), label(1, 0.0)])) == ["recorded"] * 2
    assert outcomes(client.post("/labels", json={"labels": [label(2), label(0)]})) == ["recorded", "repeated"]


def test_unknown_ones_and_conflicts_are_told_row_by_row_and_the_others_are_recorded(client: TestClient) -> None:
    client.post("/labels", json=label(0))
    answer = client.post("/labels", json=[label(0, 0), label(1), label(prediction_id=NOBODY)])
    assert outcomes(answer) == ["conflict", "recorded", "unknown"]
    assert answer.json()["counts"] == {"conflict": 1, "recorded": 1, "unknown": 1}
    assert "that one stays" in answer.json()["labels"][0]["reason"]


def test_a_label_that_came_before_its_prediction_is_recorded_with_the_next(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portfolio.serving.labels.SETTLE_SECONDS", 0)
    late = prediction(9)
    early = label(prediction_id=late.prediction_id)
    assert outcomes(client.post("/labels", json=early)) == ["unknown"]
    ship([late], settings)
    client.post("/labels", json=label(1))
    assert outcomes(client.post("/labels", json=early)) == ["repeated"]


def test_not_every_request_looks_at_all_labels_that_wait(client: TestClient, settings: Settings) -> None:
    late = prediction(9)
    client.post("/labels", json=label(prediction_id=late.prediction_id))
    ship([late], settings)
    client.post("/labels", json=label(1))
    assert summary(LATE.name, settings, now=BEGIN).labels == 1
    assert settle_aside(settings) == 1


def test_a_pause_ends_after_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 109.0, 110.0, 119.0])
    monkeypatch.setattr("portfolio.serving.labels.time.monotonic", lambda: next(now))
    pause = Pause()
    assert [pause.is_over() for _ in range(4)] == [True, False, True, False]


def test_the_first_who_writes_to_the_store_may_bring_a_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new/portfolio.db")
    with TestClient(create_app(project(LATE, tmp_path / "toylate"))) as client:
        assert outcomes(client.post("/labels", json=label())) == ["unknown"]


def test_a_label_that_is_recorded_is_told_though_others_that_wait_can_not_be_looked_at(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: object, **__: object) -> int:
        raise StoreError("The store has just gone.", remedy="")

    monkeypatch.setattr("portfolio.serving.labels.settle_aside", away)
    assert outcomes(client.post("/labels", json=label())) == ["recorded"]
    assert "The store has just gone." in "".join(capsys.readouterr())


def test_labels_of_another_project_are_unknown_here(client: TestClient, settings: Settings) -> None:
    other = prediction(9, project="toycost")
    ship([other], settings)
    assert outcomes(client.post("/labels", json=label(prediction_id=other.prediction_id))) == ["unknown"]


@pytest.mark.parametrize("key", [None, "wrong"])
def test_replacing_is_for_who_has_the_key(client: TestClient, key: str | None) -> None:
    client.post("/labels", json=label(0))
    ask = {"params": {"on_conflict": "replace"}, "json": label(0, 0)}
    assert client.post("/labels", **ask, headers={"x-api-key": key} if key else {}).status_code == 401
    assert outcomes(client.post("/labels?on_conflict=keep", json=label(0))) == ["repeated"]
    assert outcomes(client.post("/labels", **ask, headers={"x-api-key": KEY})) == ["replaced"]


@pytest.mark.parametrize(
    "query", ["on_conflict=drop", "on_conflict=", "dry_run=true", "on_conflict=keep&on_conflict=replace"]
)
def test_other_wishes_are_refused(client: TestClient, query: str) -> None:
    answer = client.post(f"/labels?{query}", json=label())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["allowed"] == "keep, replace"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (label(true_label=2), (None, "true_label")),
        (label(true_label=True), (None, "true_label")),
        (label(true_label="1"), (None, "true_label")),
        ({"true_label": 1}, (None, "prediction_id")),
        ([label(), label(prediction_id="7")], (1, "prediction_id")),
        ([label(), 7], (1, "body")),
        (7, (None, "body")),
        ([], (None, "body")),
        ({"labels": []}, (None, "body")),
        ({"labels": [label()], "more": 1}, (None, "body")),
        ({"labels": "x"}, (None, "body")),
        ([label()] * 10_001, (None, "body")),
        (label(label_timestamp="soon"), (None, "label_timestamp")),
        (label(colour="red"), (None, "colour")),
    ],
)
def test_what_is_no_label_is_refused_by_row_and_field_and_none_is_recorded(
    client: TestClient, body: Any, found: tuple[int | None, str]
) -> None:
    answer = client.post("/labels", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()["errors"][0]
    assert (problem.get("index"), problem["field"]) == found
    assert outcomes(client.post("/labels", json=label())) == ["recorded"]


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"true_label": NaN}', "application/json", 400),
        (b"a,b", "text/csv", 415),
        (b"[" + b" " * 16 * 1024 * 1024 + b"]", "application/json", 413),
    ],
)
def test_what_is_no_json_or_too_large_is_refused(client: TestClient, body: bytes, media: str, status: int) -> None:
    assert client.post("/labels", content=body, headers={"content-type": media}).status_code == status


def test_an_amount_is_above_nothing(settings: Settings, tmp_path: Path) -> None:
    with TestClient(create_app(project(COST, tmp_path / "toycost"))) as client:
        assert client.post("/labels", json=label(0, 0)).json()["errors"][0]["allowed"] == "a number above 0"
        assert outcomes(client.post("/labels", json=label(0, 12.5))) == ["unknown"]


def test_a_store_that_is_away_is_told_and_predictions_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:s3cret@127.0.0.1:9/toys")
    with TestClient(create_app(project(LATE, tmp_path / "toylate"))) as client:
        answer = client.post("/labels", json=label())
        assert client.get("/health/live").status_code == 200
    assert answer.status_code == 503
    assert answer.json()["title"] == "Store not available"
    assert answer.json()["remedy"]
    assert "s3cret" not in answer.text


def test_ten_thousand_labels_fit_into_one_request(client: TestClient, settings: Settings) -> None:
    rows = predictions(10_000)
    ship(rows, settings)
    labels = [{"prediction_id": row.prediction_id, "true_label": row.decision} for row in rows]
    assert set(outcomes(client.post("/labels", json={"labels": labels}))) == {"recorded"}


def test_where_too_many_wait_the_next_is_told_to_come_later() -> None:
    async def crowd() -> None:
        labels = Labels(LATE, Settings())
        for waiting in range(WAITING):
            labels.rooms.acquire_on_behalf_of_nowait(waiting)
        with pytest.raises(Overloaded), labels.room():
            pass
        labels.rooms.release_on_behalf_of(0)
        for _ in range(2):
            with labels.room():
                pass

    anyio.run(crowd)


def test_a_worker_loads_the_database_with_its_first_label(tmp_path: Path) -> None:
    program = "import sys, portfolio.serving.app, portfolio.predictions.labels, portfolio.store\n"
    program += "print([name for name in sys.modules if name.startswith(('sqlalchemy', 'alembic', 'psycopg'))])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
