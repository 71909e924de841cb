"""Requests and predictions are counted, under labels that no client can multiply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from toys import ORDER, orders

from portfolio.serving import create_app, flow
from portfolio.spec import ModelSpec


def figures(client: TestClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample that /metrics shows."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def figure(client: TestClient, sample: str, /, **labels: str) -> float:
    """One sample; 0 where it isn't shown."""
    return figures(client).get((sample, frozenset(labels.items())), 0.0)


def test_requests_are_counted_by_method_path_and_class_of_status(client: TestClient) -> None:
    for body in (ORDER, ORDER, {}):
        client.post("/predict", json=body)
    assert figure(client, "http_requests_total", method="POST", endpoint="/predict", status="2xx") == 2
    assert figure(client, "http_requests_total", method="POST", endpoint="/predict", status="4xx") == 1


def test_durations_are_counted_by_path(client: TestClient) -> None:
    for _ in range(3):
        client.post("/predict", json=ORDER)
    assert figure(client, "http_request_duration_seconds_count", endpoint="/predict") == 3


def test_unknown_paths_share_one_label(client: TestClient) -> None:
    for number in range(5):
        client.get(f"/nowhere/{number}")
    assert figure(client, "http_requests_total", method="GET", endpoint="unmatched", status="4xx") == 5
    assert not any("nowhere" in value for _, labels in figures(client) for _, value in labels)


def test_a_wrong_method_counts_under_its_path(client: TestClient) -> None:
    client.get("/predict")
    assert figure(client, "http_requests_total", method="GET", endpoint="/predict", status="4xx") == 1


def test_made_up_methods_share_one_label(client: TestClient) -> None:
    for number in range(5):
        client.request(f"BREW{number}", "/predict")
    assert figure(client, "http_requests_total", method="other", endpoint="/predict", status="4xx") == 5


def test_documentation_counts_under_its_path(client: TestClient) -> None:
    client.get("/docs")
    assert figure(client, "http_requests_total", method="GET", endpoint="/docs", status="2xx") == 1


def test_an_unavailable_model_counts_as_a_server_error(empty_client: TestClient) -> None:
    empty_client.post("/predict", json=ORDER)
    assert figure(empty_client, "http_requests_total", method="POST", endpoint="/predict", status="5xx") == 1


def test_predictions_are_counted_by_decision(client: TestClient) -> None:
    rows = orders(200)
    late = sum(client.post("/predict", json=row).json()["late"] for row in rows)
    assert 0 < late < 200
    assert figure(client, "predictions_total", outcome="1") == late
    assert figure(client, "predictions_total", outcome="0") == 200 - late


def test_every_row_of_a_batch_is_counted(client: TestClient) -> None:
    client.post("/predict/batch", json={"instances": orders(30)})
    assert figure(client, "prediction_probability_count") == 30


def test_probabilities_are_kept_as_a_distribution(client: TestClient) -> None:
    p = client.post("/predict", json=ORDER).json()["probability"]
    assert figure(client, "prediction_probability_sum") == pytest.approx(p)


def test_amounts_are_kept_as_a_distribution(cost_client: TestClient) -> None:
    amount = cost_client.post("/predict", json=ORDER).json()["cost"]
    assert figure(cost_client, "prediction_value_sum") == pytest.approx(amount)
    assert figure(cost_client, "predictions_total", outcome="value") == 1


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_dry_run_is_not_counted_as_a_prediction(client: TestClient, path: str) -> None:
    assert client.post(f"{path}?dry_run=true", json=ORDER).status_code == 200
    assert figure(client, "prediction_probability_count") == 0


def test_a_dry_run_answered_or_refused_is_apart_from_clients_requests(client: TestClient) -> None:
    client.post("/predict/batch?dry_run=true", json={"instances": [ORDER]})
    client.post("/predict?dry_run=true&explain=true", json={})
    client.post("/predict?dry_run=false", json=ORDER)
    told = {
        line["endpoint"]: (line["requests"], line["errors_4xx"]) for line in client.get("/stats").json()["endpoints"]
    }
    assert (told["dry_run"], told["/predict"], "/predict/batch" in told) == ((2, 1), (1, 0), False)
    assert client.get("/stats").json()["requests"] == 1


def test_a_refused_request_is_no_prediction(client: TestClient) -> None:
    client.post("/predict/batch", json={"instances": [ORDER, {}]})
    assert figure(client, "prediction_probability_count") == 0


def test_an_answer_that_cannot_be_written_has_the_others_counted_once(late: ModelSpec) -> None:
    def respond(outcome: Any, _: Any) -> dict[str, Any]:
        return {"probability": {outcome.probability} if outcome.decision else outcome.probability}

    asked = [flow.Asked(orjson.dumps(row), 0.0, "me") for row in orders(40)]
    with TestClient(create_app(replace(late, respond=respond))) as client:
        answers = flow.predict(client.app.shortcut.service, asked)  # type: ignore[attr-defined]
        written = [type(answer) for answer in answers].count(bytes)
        assert 0 < written < 40
        assert figure(client, "prediction_probability_count") == written
        assert figure(client, "journal_predictions_total") == written


def test_the_live_model_is_shown_with_its_data(client: TestClient) -> None:
    assert figure(client, "model_loaded") == 1
    assert figure(client, "model_info", name="toylate", version="7", data="Orders (synthetic sample)") == 1


def test_a_missing_model_is_shown(empty_client: TestClient) -> None:
    assert figures(empty_client)["model_loaded", frozenset()] == 0


def test_two_applications_count_apart(client: TestClient, cost_client: TestClient) -> None:
    client.post("/predict", json=ORDER)
    assert figure(cost_client, "http_requests_total", method="POST", endpoint="/predict", status="2xx") == 0
