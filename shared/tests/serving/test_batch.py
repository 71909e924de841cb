"""A batch answers in order, all or none, what each row would answer alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from toys import ORDER, orders

from portfolio.bundle import contributions
from portfolio.serving.validate import BATCH_ROWS


def plain(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answers without their ids."""
    return [{name: value for name, value in answer.items() if name != "prediction_id"} for answer in answers]


def test_a_batch_equals_its_rows_alone_to_the_bit(client: TestClient) -> None:
    rows = orders(60, seed=5)
    batch = client.post("/predict/batch", json={"instances": rows}).json()["predictions"]
    assert plain(batch) == plain([client.post("/predict", json=row).json() for row in rows])


def test_a_batch_of_amounts_equals_its_rows_alone_to_the_bit(cost_client: TestClient) -> None:
    rows = orders(60, seed=5)
    batch = cost_client.post("/predict/batch", json={"instances": rows}).json()["predictions"]
    assert plain(batch) == plain([cost_client.post("/predict", json=row).json() for row in rows])


def test_the_largest_batch_is_answered(client: TestClient) -> None:
    answer = client.post("/predict/batch", json={"instances": [ORDER] * BATCH_ROWS})
    assert len(answer.json()["predictions"]) == 10_000


def test_a_batch_can_be_explained(client: TestClient) -> None:
    answer = client.post("/predict/batch?explain=true", json={"instances": orders(3)})
    assert ["explanation" in one for one in answer.json()["predictions"]] == [True] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [ORDER] * (BATCH_ROWS + 1)},
        {"instances": []},
        {"instances": ORDER},
        {"instances": [ORDER], "more": 1},
        {},
        [ORDER],
        7,
    ],
)
def test_what_is_not_a_list_of_one_to_ten_thousand_rows_is_refused(client: TestClient, body: Any) -> None:
    answer = client.post("/predict/batch", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "instances"


def test_a_bad_row_is_named_by_index_and_field(client: TestClient) -> None:
    answer = client.post("/predict/batch", json={"instances": [ORDER, ORDER, ORDER | {"pieces": 0}]})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["index"], error["field"], error["message"]) == (2, "pieces", "must be at least 1")


def test_a_row_that_is_no_object_is_named_by_index(client: TestClient) -> None:
    [error] = client.post("/predict/batch", json={"instances": [ORDER, 5]}).json()["errors"]
    assert (error["index"], error["message"]) == (1, "must be a JSON object")


def test_a_number_too_large_to_score_is_named_by_index_and_field(client: TestClient) -> None:
    answer = client.post("/predict/batch", json={"instances": [ORDER, ORDER | {"weight": 1e39}]})
    assert answer.status_code == 422
    assert [(error["index"], error["field"]) for error in answer.json()["errors"]] == [(1, "weight")]


def test_a_feature_that_overflows_names_what_it_may_be_made_of(client: TestClient) -> None:
    answer = client.post("/predict/batch", json={"instances": [ORDER | {"weight": 3e38, "pieces": 9}]})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"pieces", "weight"}


def test_only_the_first_twenty_errors_are_listed(client: TestClient) -> None:
    answer = client.post("/predict/batch", json={"instances": [{}] * 5000}).json()
    assert len(answer["errors"]) == 20
    assert "the first 20" in answer["detail"]


def test_a_number_too_long_to_read_is_refused(client: TestClient) -> None:
    body = orjson.dumps({"instances": [ORDER | {"pieces": 77}]}).replace(b"77", b"9" * 5000)
    assert client.post("/predict/batch", content=body).status_code == 400


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e400"])
def test_what_is_no_finite_number_is_refused(client: TestClient, value: bytes) -> None:
    body = orjson.dumps({"instances": [ORDER | {"weight": 77}]}).replace(b"77", value)
    [error] = client.post("/predict/batch", content=body).json()["errors"]
    assert (error["field"], error["message"]) == ("weight", "must be a finite number")


def test_whole_numbers_may_be_written_with_a_point(client: TestClient) -> None:
    body = orjson.dumps({"instances": [ORDER | {"pieces": 3.0}]})
    assert client.post("/predict/batch", content=body).status_code == 200


def test_a_batch_may_be_larger_than_a_single_request(client: TestClient) -> None:
    body = orjson.dumps({"instances": [ORDER] * 5000})
    assert len(body) > 64 * 1024
    assert client.post("/predict/batch", content=body).status_code == 200


def test_a_batch_beyond_16_mb_is_refused(client: TestClient) -> None:
    assert client.post("/predict/batch", content=b" " * (16 * 1024 * 1024 + 1)).status_code == 413


def test_explanations_of_a_batch_have_a_limit_that_is_named(client: TestClient) -> None:
    rows = {"instances": [ORDER] * 101}
    refused = client.post("/predict/batch?explain=true", json=rows)
    assert refused.status_code == 422
    assert "1 to 100" in refused.text
    assert client.post("/predict/batch", json=rows).status_code == 200


def test_a_batch_does_not_wait_for_an_explanation(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = Event(), Event()

    def slow(*arguments: Any) -> list[Any]:
        begun.set()
        assert may_end.wait(20)
        return contributions(*arguments)

    monkeypatch.setattr("portfolio.serving.flow.contributions", slow)
    with ThreadPoolExecutor(2) as pool:
        explaining = pool.submit(client.post, "/explain", json=ORDER)
        assert begun.wait(20)
        batch = pool.submit(client.post, "/predict/batch", json={"instances": [ORDER] * 3})
        try:
            assert batch.result(timeout=10).status_code == 200
            assert not explaining.done()
        finally:
            may_end.set()
        assert explaining.result(timeout=10).status_code == 200
