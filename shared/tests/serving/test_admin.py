"""`/admin/*` is closed without a key, takes only the right one, and reloads at once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from toys import LATE, ORDER, go_live, project, write_bundle

from portfolio.serving import admin, create_app, watch
from portfolio.spec import ModelSpec

KEY = "correct horse"
HEADERS = {"x-api-key": KEY}


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A project with a live model."""
    placed = project(LATE, tmp_path / "toylate")
    go_live(write_bundle(placed, placed.root / "models" / "v1"), model_version="1")
    return placed


@pytest.fixture
def open_client(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """An API whose admin paths are open to the key."""
    monkeypatch.setenv("ADMIN_KEY", KEY)
    with TestClient(create_app(spec)) as client:
        yield client


def next_version(spec: ModelSpec, number: str, *, broken: bool = False) -> None:
    """Let the project's pointer name another bundle."""
    bundle = write_bundle(spec, spec.root / "models" / f"v{number}", seed=int(number))
    if broken:
        (bundle / "model.onnx").write_bytes(b"x")
    go_live(bundle, model_version=number)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem document."""
    assert answer.headers["content-type"] == "application/problem+json"
    return dict(answer.json())


@pytest.mark.parametrize("key", [None, "", KEY])
def test_without_a_key_set_it_is_closed(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.setenv("ADMIN_KEY", "")
    with TestClient(create_app(spec)) as client:
        answer = client.post("/admin/reload", headers={} if key is None else {"x-api-key": key})
    assert answer.status_code == 403
    assert "closed: ADMIN_KEY is not set" in problem(answer)["detail"]


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + "r", KEY.upper(), b"caf\xe9"])
def test_only_the_right_key_opens_it(open_client: TestClient, key: Any) -> None:
    answer = open_client.post("/admin/reload", headers={} if key is None else {"x-api-key": key})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "X-API-Key"
    assert KEY not in answer.text
    assert "X-API-Key" in problem(answer)["remedy"]


def test_the_key_is_shown_nowhere(open_client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    open_client.post("/admin/reload", headers=HEADERS)
    shown = [open_client.get(path).text for path in ("/", "/model/info", "/metrics", "/health", "/openapi.json")]
    assert not [text for text in (*shown, *capfd.readouterr()) if re.search(KEY, text)]


def test_a_reload_tells_old_and_new(open_client: TestClient, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 2.0)  # or the worker finds it by itself before it is asked
    next_version(spec, "2")
    done = open_client.post("/admin/reload", headers=HEADERS).json()
    assert 0 <= done.pop("seconds") < 20
    assert done == {"old": "1", "new": "2", "workers": 1}
    assert open_client.post("/predict", json=ORDER).json()["model_version"] == "2"


def test_a_reload_without_news_changes_nothing(open_client: TestClient) -> None:
    done = open_client.post("/admin/reload", headers=HEADERS).json()
    assert (done["old"], done["new"]) == ("1", "1")


def test_a_refused_version_is_a_conflict_and_the_old_goes_on(open_client: TestClient, spec: ModelSpec) -> None:
    next_version(spec, "2", broken=True)
    for _ in range(2):  # told as often as it is asked for
        answer = open_client.post("/admin/reload", headers=HEADERS)
        assert answer.status_code == 409
        assert "Version 2 is refused" in problem(answer)["detail"]
        assert "model.onnx" in problem(answer)["detail"]
    assert open_client.post("/predict", json=ORDER).json()["model_version"] == "1"
    info = open_client.get("/model/info").json()
    assert (info["model_version"], info["last_failure"]["model_version"]) == ("1", "2")
    counted = r'^model_load_failures_total\{reason="altered",stage="load"\} [1-9]'
    assert re.search(counted, open_client.get("/metrics").text, re.M)


def test_a_version_that_was_repaired_goes_live(open_client: TestClient, spec: ModelSpec) -> None:
    next_version(spec, "2", broken=True)
    assert open_client.post("/admin/reload", headers=HEADERS).status_code == 409
    shutil.rmtree(spec.root / "models" / "v2")
    write_bundle(spec, spec.root / "models" / "v2", seed=2)  # the pointer is as it was
    assert open_client.post("/admin/reload", headers=HEADERS).json()["new"] == "2"


def test_a_first_model_needs_no_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_KEY", KEY)
    spec = project(LATE, tmp_path / "toylate")
    with TestClient(create_app(spec)) as client:
        assert client.post("/admin/reload", headers=HEADERS).status_code == 503
        next_version(spec, "1")
        done = client.post("/admin/reload", headers=HEADERS).json()
        assert (done["old"], done["new"]) == (None, "1")
        assert client.get("/health").status_code == 200


def test_workers_that_do_not_come_along_are_told(
    open_client: TestClient, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "PATIENCE", 0.0)
    answer = open_client.post("/admin/reload", headers=HEADERS)
    assert answer.status_code == 503
    assert "Not every worker" in problem(answer)["detail"]
