"""Every error is an RFC 9457 problem document with the request's id, and tells nothing of the inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse
from toys import LATE, ORDER

from portfolio.errors import ConfigError, PortfolioError
from portfolio.serving import create_app
from portfolio.serving.board import Board
from portfolio.serving.drain import Drain
from portfolio.serving.edge import Edge
from portfolio.serving.live import Live
from portfolio.serving.metrics import Metrics
from portfolio.serving.service import Code, Service
from portfolio.spec import ModelSpec


def broken(error: Exception) -> Any:
    """A respond that fails, with a secret in its message."""

    def respond(_outcome: Any, _options: Mapping[str, Any]) -> dict[str, Any]:
        raise error

    return respond


def test_a_problem_has_the_members_of_the_standard(client: TestClient) -> None:
    answer = client.post("/predict", json={})
    problem = answer.json()
    assert problem["type"] == "urn:portfolio:problem:request-refused"
    assert (problem["title"], problem["status"], problem["instance"]) == ("Request refused", 422, "/predict")
    assert problem["detail"]
    assert problem["remedy"]


def test_an_unknown_path_is_a_problem(client: TestClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "/nowhere"


def test_a_slash_too_much_is_an_unknown_path(client: TestClient) -> None:
    assert client.post("/predict/", json=ORDER).status_code == 404


def test_a_long_path_is_cut(client: TestClient) -> None:
    assert len(client.get("/" + "x" * 5000).json()["instance"]) == 200


def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: TestClient) -> None:
    answer = client.get("/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "POST" in answer.json()["detail"]


@pytest.mark.parametrize("error", [ValueError("s3cret"), ConfigError("s3cret"), PortfolioError("s3cret")])
def test_what_nobody_foresaw_tells_the_client_only_where_to_look(late: ModelSpec, error: Exception) -> None:
    with TestClient(create_app(replace(late, respond=broken(error)))) as client:
        answer = client.post("/predict", json=ORDER)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "s3cret" not in answer.text
    assert "Traceback" not in answer.text


def test_what_nobody_foresaw_is_logged_with_its_stack_and_request_id(
    late: ModelSpec, capfd: pytest.CaptureFixture[str]
) -> None:
    with TestClient(create_app(replace(late, respond=broken(ValueError("s3cret"))))) as client:
        client.post("/predict", json=ORDER, headers={"x-request-id": "find-me"})
    logged = "".join(capfd.readouterr())
    assert "find-me" in logged
    assert "Traceback" in logged
    assert "s3cret" in logged


def test_an_error_after_the_answer_began_ends_the_connection(capfd: pytest.CaptureFixture[str]) -> None:
    async def half() -> Any:
        yield b"half"
        raise ValueError

    app = FastAPI()
    app.add_api_route("/half", lambda: StreamingResponse(half()))
    board = Board(None)
    metrics = Metrics(LATE, board)
    metrics.open(["/half"])
    app.add_middleware(Edge, service=Service(LATE, Live(LATE), metrics, Drain(0), board, Code.running(LATE)))
    with TestClient(app) as client, pytest.raises(ValueError):  # noqa: PT011
        client.get("/half")
    assert "request failed" in "".join(capfd.readouterr())


def test_the_callers_request_id_is_echoed(client: TestClient) -> None:
    answer = client.post("/predict", json=ORDER, headers={"x-request-id": "order 66/a"})
    assert answer.headers["x-request-id"] == "order 66/a"


@pytest.mark.parametrize("sent", ["", "x" * 129, "tab\there", b"caf\xe9"])
def test_a_request_id_that_is_not_sane_is_replaced(client: TestClient, sent: Any) -> None:
    answer = client.get("/health", headers={"x-request-id": sent})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"] != sent


def test_the_longest_sane_request_id_is_kept(client: TestClient) -> None:
    assert client.get("/health", headers={"x-request-id": "x" * 128}).headers["x-request-id"] == "x" * 128


def test_every_answer_has_a_request_id_of_its_own(client: TestClient) -> None:
    ids = {client.get(path).headers["x-request-id"] for path in ("/", "/health", "/nowhere", "/predict", "/docs")}
    assert len(ids) == 5


def test_a_refusal_carries_the_id_of_its_request(client: TestClient) -> None:
    answer = client.post("/predict", json={}, headers={"x-request-id": "abc"})
    assert answer.json()["request_id"] == "abc"
