"""/stats and /monitoring/stats tell in figures what was counted and what the store has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from services import running
from toys import ORDER, orders

from portfolio.serving.board import Board
from portfolio.serving.figures import Durations, by_endpoint, read_counters, since, together
from portfolio.serving.watched import Watched
from portfolio.spec import ModelSpec

RUN = {
    "at": "2026-03-01T12:00:00+00:00",
    "decision": "retrain",
    "reasons": ["Age: PSI 0.31, limit 0.20 (0.02 by chance)"],
    "findings": {
        "drift": [
            {"feature": "distance", "psi": 0.31, "state": "act"},
            {"feature": "carrier", "psi": 0.02, "state": "ok"},
            {"feature": "score", "psi": None, "state": "unknown"},
        ]
    },
}
SUMS = {"number": 200, "positive": 50, "mean": 0.3, "deviation": 0.1}


def summary(**changed: Any) -> dict[str, Any]:
    """What a shipper posts of the store."""
    return {
        "project": "toylate",
        "as_of": datetime.now(UTC).isoformat(),
        "total": SUMS,
        "last_100": SUMS | {"number": 100},
        "last_hour": {"number": 0, "positive": 0, "mean": None, "deviation": None},
        "labels": 20,
        "coverage": 0.1,
        "delay_seconds": 3600.0,
        "last_run": RUN,
    } | changed


def board(client: TestClient) -> Board:
    return client.app.shortcut.service.board  # type: ignore[attr-defined,no-any-return]


def endpoint(client: TestClient, name: str) -> dict[str, Any]:
    """What /stats says of one path."""
    [found] = [each for each in client.get("/stats").json()["endpoints"] if each["endpoint"] == name]
    return dict(found)


def test_requests_and_both_kinds_of_error_are_told_by_path(client: TestClient) -> None:
    for body in (ORDER, ORDER, ORDER, {}):
        client.post("/predict", json=body)
    found = endpoint(client, "/predict")
    assert (found["requests"], found["errors_4xx"], found["errors_5xx"], found["error_rate"]) == (4, 1, 0, 0.0)


def test_the_error_rate_is_the_share_of_5xx(empty_client: TestClient) -> None:
    empty_client.post("/predict", json=ORDER)
    empty_client.get("/nowhere")
    assert endpoint(empty_client, "/predict")["error_rate"] == 1.0
    assert empty_client.get("/stats").json()["error_rate"] == 0.5


def test_sums_leave_health_checks_and_metrics_out(client: TestClient) -> None:
    for _ in range(7):
        client.get("/health")
        client.get("/metrics")
    client.post("/predict", json=ORDER)
    said = client.get("/stats").json()
    assert said["requests"] == 1
    assert {"/health", "/metrics"} < {each["endpoint"] for each in said["endpoints"]}


def test_latencies_rise_from_the_median_to_p99(client: TestClient) -> None:
    for row in orders(50):
        client.post("/predict", json=row)
    found = endpoint(client, "/predict")
    assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
    assert found["mean_ms"] > 0


def test_predictions_are_told_by_outcome(client: TestClient) -> None:
    late = sum(client.post("/predict", json=row).json()["late"] for row in orders(60))
    assert client.get("/stats").json()["predictions"] == {"total": 60, "by_outcome": {"0": 60 - late, "1": late}}


def test_a_quantile_is_interpolated_inside_its_bucket() -> None:
    spread = Durations({0.1: 0.0, 0.2: 10.0, 0.5: 20.0, float("inf"): 20.0}, total=4.0)
    assert spread.quantile(0.25) == pytest.approx(0.15)
    assert spread.quantile(0.75) == pytest.approx(0.35)
    assert spread.mean == pytest.approx(0.2)


def test_a_quantile_beyond_the_last_bucket_is_that_buckets_bound() -> None:
    assert Durations({0.1: 1.0, float("inf"): 10.0}).quantile(0.95) == 0.1


def test_nothing_answered_has_no_quantile() -> None:
    assert Durations().quantile(0.5) is None
    assert Durations({0.1: 0.0, float("inf"): 0.0}).mean is None


def test_quantiles_of_several_paths_are_those_of_all_answers() -> None:
    slow, fast = Durations({0.1: 0.0, 1.0: 10.0}), Durations({0.1: 10.0, 1.0: 10.0})
    text = "\n".join(
        f'http_request_duration_seconds_bucket{{endpoint="{name}",le="{bound}"}} {number}'
        for name, spread in (("/a", slow), ("/b", fast))
        for bound, number in spread.up_to.items()
    )
    counts = "".join(f'http_requests_total{{endpoint="{name}",status="2xx"}} 10\n' for name in ("/a", "/b"))
    samples = read_counters(text_string_to_metric_families(f"{text}\n{counts}"))
    both = together(by_endpoint(samples).values())
    assert both.requests == 20
    assert both.durations.quantile(0.25) == pytest.approx(0.05)
    assert both.durations.quantile(0.75) == pytest.approx(0.55)


def test_counters_that_fell_began_anew() -> None:
    key, other = ("predictions_total", (("outcome", "0"),)), ("predictions_total", (("outcome", "1"),))
    assert since({key: 5.0}, {key: 7.0, other: 2.0}) == {key: 2.0, other: 2.0}
    assert since({key: 5.0}, {key: 3.0}) == {key: 3.0}
    assert since({key: 5.0}, {other: 3.0}) == {other: 3.0}


def test_without_a_word_from_the_store_it_says_so(client: TestClient) -> None:
    said = client.get("/monitoring/stats")
    assert said.status_code == 200
    assert (said.json()["total"], said.json()["note"]) == (None, "Nothing was read from the store yet.")
    assert client.get("/stats").json()["drift_alerts"] is None
    assert "model_drift_alerts" not in client.get("/metrics").text


def test_a_store_that_could_not_be_read_is_told(client: TestClient) -> None:
    board(client).tell(Watched(problem="The store does not answer."))
    assert client.get("/monitoring/stats").json()["note"] == "The store does not answer."


def test_predictions_in_the_store_are_told_with_labels_and_the_last_decision(client: TestClient) -> None:
    board(client).tell(Watched(summary()))
    said = client.get("/monitoring/stats").json()
    assert said["total"] == {
        "predictions": 200,
        "positive_rate": 0.25,
        "probability_mean": 0.3,
        "probability_deviation": 0.1,
        "prediction_mean": None,
        "prediction_deviation": None,
    }
    assert (said["last_100"]["predictions"], said["last_hour"]["positive_rate"]) == (100, None)
    assert (said["labels"], said["label_coverage"], said["label_delay_seconds"]) == (20, 0.1, 3600.0)
    assert said["last_run"]["decision"] == "retrain"
    assert said["last_run"]["drift_alerts"] == 1


def test_amounts_have_a_mean_prediction_instead_of_a_rate(cost_client: TestClient) -> None:
    sums = {"number": 3, "positive": None, "mean": 120.5, "deviation": 7.0}
    board(cost_client).tell(Watched(summary(total=sums, last_100=sums, last_hour=sums, last_run=None)))
    said = cost_client.get("/monitoring/stats").json()
    assert (said["total"]["prediction_mean"], said["total"]["positive_rate"]) == (120.5, None)
    assert said["last_run"] is None


def test_what_was_read_a_while_ago_says_how_long(client: TestClient) -> None:
    old = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    board(client).tell(Watched(summary(as_of=old), "The store does not answer."))
    said = client.get("/monitoring/stats").json()
    assert said["age_seconds"] == pytest.approx(300, abs=5)
    assert said["note"] == "The store does not answer."


def test_drift_of_the_last_run_is_a_metric(client: TestClient) -> None:
    board(client).tell(Watched(summary()))
    shown = client.get("/metrics").text
    assert 'model_prediction_drift{feature="distance"} 0.31' in shown
    assert 'feature="score"' not in shown
    assert "model_drift_alerts 1.0" in shown


@pytest.mark.parametrize("drift", [[], [{"feature": "distance", "psi": 0.31, "state": "unknown"}]])
def test_a_run_that_judged_nothing_is_no_run_without_drift(client: TestClient, drift: list[dict[str, Any]]) -> None:
    board(client).tell(Watched(summary(last_run=RUN | {"decision": "unknown", "findings": {"drift": drift}})))
    assert client.get("/monitoring/stats").json()["last_run"]["drift_alerts"] is None
    assert client.get("/stats").json()["drift_alerts"] is None
    assert "model_drift_alerts" not in client.get("/metrics").text


def test_who_operates_is_not_in_the_sums(client: TestClient) -> None:
    client.get("/model/info")
    client.post("/admin/reload")
    said = client.get("/stats").json()
    assert {each["endpoint"] for each in said["endpoints"]} >= {"/model/info", "/admin/reload"}
    assert said["requests"] == 0


def test_answers_to_predictions_are_counted_from_zero(client: TestClient) -> None:
    shown = client.get("/metrics").text
    for path in ("/predict", "/predict/batch"):
        for status in ("2xx", "4xx", "5xx"):
            assert f'http_requests_total{{endpoint="{path}",method="POST",status="{status}"}} 0.0' in shown
    assert {each["endpoint"] for each in client.get("/stats").json()["endpoints"]} == {"/metrics"}


def test_the_figures_of_a_service_are_those_of_all_its_workers(spec: ModelSpec) -> None:
    with running(spec, WORKERS="2") as service:
        for row in orders(40):
            with service.client() as client:  # a connection each, so that both workers answer
                assert client.post("/predict", json=row).status_code == 200
        with service.client() as client:
            said = client.get("/stats").json()
    assert said["predictions"]["total"] == 40
    assert next(each["requests"] for each in said["endpoints"] if each["endpoint"] == "/predict") == 40
    assert said["uptime_seconds"] > 0


@contextmanager
def measured(seconds: float) -> Iterator[None]:
    """The block takes less than so long."""
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < seconds


def test_figures_cost_milliseconds(client: TestClient) -> None:
    client.get("/stats")
    with measured(0.25):
        client.get("/stats")
