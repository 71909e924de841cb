"""One request in, one prediction out, the same number that the bundle scores offline."""

from __future__ import annotations

import math
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from toys import COST, LATE, ORDER, Cost, Late, Order, go_live, orders, project, write_bundle

from portfolio.bundle import ANYONE, load
from portfolio.data.frames import frame_of
from portfolio.serving import create_app
from portfolio.spec import ModelSpec


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    """What doesn't differ between two answers to the same question."""
    return {name: value for name, value in answer.items() if name != "prediction_id"}


def test_the_answer_is_the_offline_score(client: TestClient, late: ModelSpec) -> None:
    [outcome] = load(late.root / "models" / "v1", late, ANYONE).outcomes(frame_of([ORDER], Order.COLUMNS))
    answer = client.post("/predict", json=ORDER).json()
    assert answer["probability"] == outcome.probability  # type: ignore[union-attr]


def test_the_answer_is_a_valid_response(client: TestClient) -> None:
    Late.model_validate_json(client.post("/predict", json=ORDER).content)


def test_an_amount_comes_with_its_interval(cost_client: TestClient) -> None:
    answer = Cost.model_validate_json(cost_client.post("/predict", json=ORDER).content)
    assert answer.low < answer.cost < answer.high


def test_the_answer_reads_the_projects_configuration(client: TestClient) -> None:
    answer = client.post("/predict", json=ORDER).json()
    assert answer["mood"] == ("calm", "worried")[answer["late"]]


def test_the_answer_names_the_version_that_the_pointer_gives(client: TestClient) -> None:
    assert client.post("/predict", json=ORDER).json()["model_version"] == "7"


def test_a_prediction_id_is_a_uuid_of_version_7_and_of_now(client: TestClient) -> None:
    made = uuid.UUID(client.post("/predict", json=ORDER).json()["prediction_id"])
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert (made.int >> 80) / 1000 == pytest.approx(time.time(), abs=60)


def test_every_prediction_has_its_own_id(client: TestClient) -> None:
    answers = client.post("/predict/batch", json={"instances": [ORDER] * 100}).json()["predictions"]
    assert len({answer["prediction_id"] for answer in answers}) == 100


@pytest.mark.parametrize("body", [{"pieces": 3, "colour": "red"}, ORDER | {"weight": None}])
def test_missing_optional_fields_score(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post("/predict", json=body).status_code == 200


def test_an_unseen_text_scores(client: TestClient) -> None:
    assert client.post("/predict", json=ORDER | {"note": "never seen"}).status_code == 200


def test_a_whole_number_may_be_written_with_a_point(client: TestClient) -> None:
    plain = client.post("/predict", content=b'{"pieces": 3, "colour": "red"}')
    pointed = client.post("/predict", content=b'{"pieces": 3.0, "colour": "red"}')
    assert without_id(pointed.json()) == without_id(plain.json())


def test_a_body_without_content_type_is_taken_for_json(client: TestClient) -> None:
    assert client.post("/predict", content=b'{"pieces": 3, "colour": "red"}').status_code == 200


def test_without_a_model_nothing_is_predicted_and_the_remedy_is_named(empty_client: TestClient) -> None:
    answer = empty_client.post("/predict", json=ORDER)
    assert answer.status_code == 503
    assert answer.json()["title"] == "Model not available"
    assert "make train PROJECT=toylate" in answer.json()["remedy"]


def test_without_a_model_a_bad_body_is_not_blamed(empty_client: TestClient) -> None:
    assert empty_client.post("/predict", content=b"no json").status_code == 503


def test_a_dry_run_answers_the_same(client: TestClient) -> None:
    dry = client.post("/predict?dry_run=true", json=ORDER).json()
    assert without_id(dry) == without_id(client.post("/predict", json=ORDER).json())


@pytest.mark.parametrize("family", ["lightgbm", "linear"])
def test_contributions_add_up_to_the_log_odds(tmp_path: Path, family: Any) -> None:
    spec = project(LATE, tmp_path / "toylate")
    go_live(write_bundle(spec, spec.root / "models" / "v1", family=family), model_version="1")
    with TestClient(create_app(spec)) as client:
        for order in orders(20, seed=3):
            answer = client.post("/predict?explain=true", json=order).json()
            why, p = answer["explanation"], answer["probability"]
            total = why["base"] + sum(why["contributions"].values()) + why["calibration"]
            assert total == pytest.approx(math.log(p / (1 - p)), abs=1e-6)
            assert why["answer"] == pytest.approx(total, abs=1e-9)


def test_contributions_add_up_to_the_logarithm_of_the_amount(tmp_path: Path) -> None:
    spec = project(COST, tmp_path / "toycost")
    go_live(write_bundle(spec, spec.root / "models" / "v1"), model_version="1")
    with TestClient(create_app(spec)) as client:
        for order in orders(20, seed=3):
            answer = client.post("/predict?explain=true", json=order).json()
            why = answer["explanation"]
            total = why["base"] + sum(why["contributions"].values()) + why["calibration"]
            assert total == pytest.approx(math.log(answer["cost"]), abs=1e-6)


def test_contributions_name_every_request_field_and_no_feature(client: TestClient) -> None:
    why = client.post("/predict?explain=true", json=ORDER).json()["explanation"]
    assert list(why["contributions"]) == ["pieces", "weight", "colour", "note"]
    assert why["scale"] == "log-odds"


def test_explain_has_a_path_of_its_own(client: TestClient) -> None:
    asked = client.post("/predict?explain=true", json=ORDER).json()
    assert without_id(client.post("/explain", json=ORDER).json()) == without_id(asked)


def test_nothing_is_explained_unasked(client: TestClient) -> None:
    assert "explanation" not in client.post("/predict?explain=false", json=ORDER).json()


@pytest.mark.parametrize("query", ["explain=maybe", "explain=", "explian=true"])
def test_a_query_that_is_not_understood_is_refused(client: TestClient, query: str) -> None:
    answer = client.post(f"/predict?{query}", json=ORDER)
    assert answer.status_code == 422
    assert answer.json()["errors"]
