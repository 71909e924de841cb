"""The Open Inference Protocol: what a batch answers, in tensors, asked by a client that knows nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import orjson
import pytest
import tritonclient.http as triton
from fastapi.testclient import TestClient
from services import Service, running
from toys import ORDER, Late, orders
from tritonclient.utils import InferenceServerException

from portfolio.serving.protocols.tensors import gives
from portfolio.serving.validate import BATCH_ROWS
from portfolio.spec import ModelSpec, Response

Row = dict[str, Any]
FIELDS = ("probability", "late", "mood", "prediction_id", "model_version")
GONE = r"(No model has this name|This version is not live)\."
INFER = "/v2/models/toylate/infer"
DATATYPES = {"pieces": "INT64", "weight": "FP64", "colour": "BYTES", "note": "BYTES"}


@pytest.fixture(scope="module")
def service(spec: ModelSpec) -> Iterator[Service]:
    """A service of its own, shared."""
    with running(spec) as service:
        yield service


@pytest.fixture(scope="module")
def speaker(service: Service) -> Iterator[triton.InferenceServerClient]:
    """A client that speaks the protocol."""
    client = triton.InferenceServerClient(f"127.0.0.1:{service.port}")
    yield client
    client.close()


def columns(rows: list[Row]) -> dict[str, np.ndarray[Any, Any]]:
    """Rows as the arrays that a client holds: NaN and the empty text for what is missing."""
    return {
        "pieces": np.array([row["pieces"] for row in rows], dtype=np.int64),
        "weight": np.array([row.get("weight", np.nan) for row in rows], dtype=np.float64),
        "colour": np.array([row["colour"] for row in rows], dtype=object),
        "note": np.array([row.get("note", "") for row in rows], dtype=object),
    }


def inputs(rows: list[Row], *, binary: bool = True) -> list[triton.InferInput]:
    """The client's tensors."""
    tensors = []
    for name, values in columns(rows).items():
        tensor = triton.InferInput(name, list(values.shape), DATATYPES[name])
        tensors.append(tensor.set_data_from_numpy(values, binary_data=binary))
    return tensors


def batch(service: Service, rows: list[Row]) -> list[Row]:
    """What /predict/batch answers."""
    with service.client() as client:
        return list(client.post("/predict/batch", json={"instances": rows}).json()["predictions"])


def tensors(*rows: Row, **changed: Row) -> Row:
    """A request with its tensors in JSON; `changed` replaces parts of single ones."""
    return {"inputs": [_tensor(name, rows) | changed.get(name, {}) for name in DATATYPES]}


def _tensor(name: str, rows: tuple[Row, ...]) -> Row:
    return {
        "name": name, "datatype": DATATYPES[name], "shape": [len(rows)], "data": [row.get(name) for row in rows]
    }  # fmt: skip


def refusal(client: TestClient, body: Any, status: int) -> Row:
    """The problem that is answered."""
    answer = client.post(INFER, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return dict(answer.json())


def binary(json_length: str) -> dict[str, str]:
    """Headers of a body with bytes behind its JSON."""
    return {"Inference-Header-Content-Length": json_length, "Content-Type": "application/octet-stream"}


def values(answer: Row, name: str) -> list[Any]:
    """The data of an output tensor."""
    [found] = [output["data"] for output in answer["outputs"] if output["name"] == name]
    return list(found)


def test_a_client_finds_the_server_and_its_model_ready(speaker: triton.InferenceServerClient) -> None:
    assert speaker.is_server_live()
    assert speaker.is_server_ready()
    assert speaker.is_model_ready("toylate")
    assert speaker.is_model_ready("toylate", "v1")
    assert not speaker.is_model_ready("toycost")
    assert not speaker.is_model_ready("toylate", "v2")


def test_a_client_reads_what_the_server_is(speaker: triton.InferenceServerClient) -> None:
    assert speaker.get_server_metadata() == {
        "name": "toylate", "version": "1.2.3", "extensions": ["binary_tensor_data"],
    }  # fmt: skip


def test_a_client_reads_what_the_model_takes_and_gives(speaker: triton.InferenceServerClient) -> None:
    metadata = speaker.get_model_metadata("toylate")
    assert metadata == speaker.get_model_metadata("toylate", "v1")
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("toylate", ["v1"], "onnx_onnxv1")
    assert {one["name"]: one["datatype"] for one in metadata["inputs"]} == DATATYPES
    assert {one["name"]: one["datatype"] for one in metadata["outputs"]} == {
        "probability": "FP64", "late": "INT64", "mood": "BYTES", "prediction_id": "BYTES", "model_version": "BYTES",
    }  # fmt: skip
    assert all(one["shape"] == [-1] for one in metadata["inputs"] + metadata["outputs"])


@pytest.mark.parametrize("binary", [True, False])
def test_a_client_gets_the_answers_of_a_batch_to_the_bit(
    service: Service, speaker: triton.InferenceServerClient, *, binary: bool
) -> None:
    rows = orders(60, seed=5)
    outputs = None if binary else [triton.InferRequestedOutput(name, binary_data=False) for name in FIELDS]
    result = speaker.infer("toylate", inputs(rows, binary=binary), outputs=outputs)
    expected = batch(service, rows)
    assert result.as_numpy("probability").tolist() == [one["probability"] for one in expected]
    assert result.as_numpy("late").tolist() == [one["late"] for one in expected]
    moods = [mood.decode() if isinstance(mood, bytes) else mood for mood in result.as_numpy("mood").tolist()]
    assert moods == [one["mood"] for one in expected]
    assert len({*result.as_numpy("prediction_id").tolist()}) == 60
    assert result.get_response()["model_version"] == "v1"


def test_a_client_gets_only_the_outputs_that_it_asks_for_each_in_its_way(
    speaker: triton.InferenceServerClient,
) -> None:
    outputs = [
        triton.InferRequestedOutput("mood", binary_data=True),
        triton.InferRequestedOutput("probability", binary_data=False),
        triton.InferRequestedOutput("late", binary_data=True),
    ]
    result = speaker.infer("toylate", inputs(orders(3)), outputs=outputs, request_id="42")
    response = result.get_response()
    assert [one["name"] for one in response["outputs"]] == ["mood", "probability", "late"]
    assert ["data" in one for one in response["outputs"]] == [False, True, False]
    assert response["id"] == "42"
    assert [result.as_numpy(name).shape for name in ("mood", "probability", "late")] == [(3,)] * 3


def test_a_client_may_mix_tensors_in_json_and_in_binary(
    service: Service, speaker: triton.InferenceServerClient
) -> None:
    rows = orders(5)
    mixed = [inputs(rows)[0], inputs(rows, binary=False)[1], inputs(rows)[2], inputs(rows, binary=False)[3]]
    mixed[1] = inputs([{**row, "weight": row.get("weight", 1.0)} for row in rows], binary=False)[1]
    result = speaker.infer("toylate", mixed)
    expected = batch(service, [{**row, "weight": row.get("weight", 1.0)} for row in rows])
    assert result.as_numpy("probability").tolist() == [one["probability"] for one in expected]


def test_a_client_is_told_the_row_and_the_field_that_are_wrong(speaker: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match=r"Row 1: pieces must be at most 9\. ") as refused:
        speaker.infer("toylate", inputs([ORDER, ORDER | {"pieces": 12}]))
    assert refused.value.status() == "422"


@pytest.mark.parametrize(("model", "version"), [("toycost", ""), ("toylate", "v2")])
def test_a_client_is_told_of_a_model_that_is_not_there(
    speaker: triton.InferenceServerClient, model: str, version: str
) -> None:
    with pytest.raises(InferenceServerException, match=GONE) as refused:
        speaker.infer(model, inputs([ORDER]), version)
    assert refused.value.status() == "404"
    with pytest.raises(InferenceServerException, match=GONE):
        speaker.get_model_metadata(model, version)


def test_the_largest_batch_is_answered_and_one_row_more_is_not(speaker: triton.InferenceServerClient) -> None:
    result = speaker.infer("toylate", inputs([ORDER] * BATCH_ROWS))
    assert result.as_numpy("probability").shape == (10_000,)
    with pytest.raises(InferenceServerException, match="must have 1 to 10000 rows"):
        speaker.infer("toylate", inputs([ORDER] * (BATCH_ROWS + 1)))


@pytest.mark.parametrize("nothing", [{"data": [None]}, {"data": [float("nan")]}, None])
def test_null_nan_and_an_absent_tensor_are_a_missing_field(client: TestClient, nothing: Row | None) -> None:
    without = {name: value for name, value in ORDER.items() if name != "weight"}
    expected = client.post("/predict", json=without).json()
    body = tensors(ORDER, weight=nothing or {})
    if nothing is None:
        body["inputs"] = [one for one in body["inputs"] if one["name"] != "weight"]
    answer = client.post(INFER, content=json.dumps(body)).json()  # with NaN, as Python's clients write it
    assert values(answer, "probability") == [expected["probability"]]


def test_a_required_field_that_is_missing_is_named(client: TestClient) -> None:
    [error] = refusal(client, tensors(ORDER | {"colour": None}), 422)["errors"]
    assert (error["index"], error["field"], error["message"]) == (0, "colour", "missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [2, 1]},
        {"shape": [2, 1], "data": [[3], [4]]},
        {"datatype": "INT32"},
        {"datatype": "FP64", "data": [3.0, 4.0]},
    ],
)
def test_shapes_and_datatypes_that_mean_the_same_are_taken(client: TestClient, changes: Row) -> None:
    rows = [ORDER, ORDER | {"pieces": 4}]
    expected = client.post("/predict/batch", json={"instances": rows}).json()["predictions"]
    answer = client.post(INFER, json=tensors(*rows, pieces=changes))
    assert answer.status_code == 200, answer.text
    assert values(answer.json(), "probability") == [one["probability"] for one in expected]


@pytest.mark.parametrize("null", ["id", "parameters", "outputs"])
def test_null_stands_for_what_is_left_out(client: TestClient, null: str) -> None:
    answer = client.post(INFER, json=tensors(ORDER) | {null: None})
    assert answer.status_code == 200, answer.text
    assert "id" not in answer.json()


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"weight": {"shape": [2]}}, "inputs", "must be tensors of one length, each field at most once"),
        ({"weight": {"name": "pieces"}}, "inputs", "must be tensors of one length, each field at most once"),
        ({"weight": {"data": [1.0, 2.0]}}, "weight", "must have as many values as its shape says"),
        ({"weight": {"shape": [1, 2]}}, "weight", "must have the shape [N] or [N, 1]"),
        ({"weight": {"shape": []}}, "weight", "must have the shape [N] or [N, 1]"),
        ({"weight": {"datatype": "BYTES"}}, "weight", "must be of datatype FP64 or FP32"),
        ({"weight": {"datatype": "BOOL"}}, "weight", "must be of datatype FP64 or FP32"),
        ({"weight": {"datatype": "FP128"}}, "weight", "must be of datatype FP64 or FP32"),
        ({"colour": {"datatype": "INT64"}}, "colour", "must be of datatype BYTES"),
        ({"weight": {"data": None}}, "weight", "must have either data or binary_data_size"),
        ({"weight": {"data": 2.5}}, "inputs.1.data", "must be a list"),
        ({"weight": {"shape": ["1"]}}, "inputs.1.shape.0", "must be a whole number"),
        ({"weight": {"name": None}}, "inputs.1.name", "must be a text"),
        ({"weight": {"parameters": []}}, "inputs.1.parameters", "must be an object"),
    ],
)
def test_what_is_no_tensor_of_the_model_is_named(
    client: TestClient, changes: dict[str, Row], field: str, message: str
) -> None:
    problem = refusal(client, tensors(ORDER, **changes), 400)
    assert problem["errors"][0]["field"] == field
    assert problem["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [5]}, "inputs.0"),
        (tensors(ORDER) | {"id": 5}, "id"),
        (tensors(ORDER) | {"outputs": [{"name": "price"}]}, "outputs"),
        (tensors(ORDER) | {"outputs": [{"name": "mood"}, {"name": "mood"}]}, "outputs"),
        (tensors(ORDER) | {"outputs": [{"name": "mood", "parameters": {"classification": 1}}]}, "outputs"),
    ],
)
def test_what_is_no_request_of_the_protocol_is_refused(client: TestClient, body: Any, field: str) -> None:
    assert refusal(client, body, 400)["errors"][0]["field"] == field


def test_what_is_no_json_is_refused(client: TestClient) -> None:
    answer = client.post(INFER, content=b"{")
    assert answer.status_code == 400
    assert "not valid JSON" in answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"weight": {"name": "wieght"}}, "wieght", "an unknown field, perhaps weight"),
        ({"pieces": {"data": [2.5], "datatype": "FP64"}}, "pieces", "must be a whole number"),
        ({"pieces": {"data": ["3"]}}, "pieces", "must be a whole number"),
        ({"pieces": {"data": [True]}}, "pieces", "must be a whole number"),
        ({"weight": {"data": [[2.5]]}}, "weight", "must be a number"),
        ({"weight": {"data": [1e39]}}, "weight", "too large"),
        ({"note": {"data": [5]}}, "note", "must be a text"),
        ({name: {"shape": [0], "data": []} for name in DATATYPES}, "body", "must have 1 to 10000 rows"),
    ],
)
def test_rows_obey_the_rules_of_every_row(
    client: TestClient, changes: dict[str, Row], field: str, message: str
) -> None:
    error = refusal(client, tensors(ORDER, **changes), 422)["errors"][0]
    assert (error["field"], error["message"]) == (field, message)


@pytest.mark.parametrize(
    ("weight", "raw", "json_length", "field"),
    [
        ({"parameters": {"binary_data_size": 8}}, b"1234567", None, "body"),
        ({"parameters": {"binary_data_size": 8}}, b"123456789", None, "body"),
        ({"parameters": {"binary_data_size": 7}}, b"1234567", None, "weight"),
        ({"parameters": {"binary_data_size": 16}}, b"1234567812345678", None, "weight"),
        ({"parameters": {"binary_data_size": -8}}, b"", None, "weight.binary_data_size"),
        ({"parameters": {"binary_data_size": "8"}}, b"12345678", None, "weight.binary_data_size"),
        ({"data": [2.5], "parameters": {"binary_data_size": 8}}, b"12345678", None, "weight"),
        ({"data": [2.5]}, b"", "99999", "Inference-Header-Content-Length"),
        ({"data": [2.5]}, b"", "-1", "Inference-Header-Content-Length"),
        ({"data": [2.5]}, b"", "x", "Inference-Header-Content-Length"),
    ],
)
def test_bytes_that_are_not_those_of_the_tensors_are_refused(
    client: TestClient, weight: Row, raw: bytes, json_length: str | None, field: str
) -> None:
    body = orjson.dumps(tensors(ORDER, weight={"data": None} | weight))
    answer = client.post(INFER, content=body + raw, headers=binary(json_length or str(len(body))))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("raw", [b"\x03", b"\x04\0\0\0red", b"\x03\0\0\0red\0", b"\x03\0\0\0\xff\xff\xff", b""])
def test_texts_whose_lengths_are_wrong_are_refused(client: TestClient, raw: bytes) -> None:
    colour = {"data": None, "parameters": {"binary_data_size": len(raw)}}
    body = orjson.dumps(tensors(ORDER, colour=colour))
    answer = client.post(INFER, content=body + raw, headers=binary(str(len(body))))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "colour"


def test_rows_are_counted_as_any_prediction_is_unless_it_is_a_trial(client: TestClient) -> None:
    before = predicted(client)
    client.post(INFER, json=tensors(ORDER, ORDER, ORDER))
    assert predicted(client) - before == 3
    client.post(f"{INFER}?dry_run=true", json=tensors(ORDER, ORDER, ORDER))
    assert predicted(client) - before == 3


def predicted(client: TestClient) -> float:
    """Predictions counted so far."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("predictions_total{"))


def test_requests_are_counted_under_the_template_of_their_path(client: TestClient) -> None:
    client.post("/v2/models/made-up/infer", json={})
    text = client.get("/metrics").text
    assert 'endpoint="/v2/models/{model}/infer"' in text
    assert "made-up" not in text


def test_an_explanation_is_refused_with_the_path_that_gives_it(client: TestClient) -> None:
    answer = client.post(f"{INFER}?explain=true", json=tensors(ORDER))
    assert answer.status_code == 422
    assert "/explain" in answer.json()["remedy"]


def test_without_a_model_the_server_lives_and_says_that_it_is_not_ready(empty_client: TestClient) -> None:
    assert empty_client.get("/v2/health/live").json() == {"live": True}
    assert empty_client.get("/v2").status_code == 200
    not_ready = {"/v2/health/ready": {"ready": False}, "/v2/models/toylate/ready": {"name": "toylate", "ready": False}}
    for path, body in not_ready.items():
        answer = empty_client.get(path)
        assert (answer.status_code, answer.json()) == (503, body)
    for answer in (empty_client.get("/v2/models/toylate"), empty_client.post(INFER, json=tensors(ORDER))):
        assert answer.status_code == 503
        assert answer.json()["error"].startswith("No model of toylate is loaded.")


def test_a_draining_server_is_not_ready(client: TestClient) -> None:
    client.app.user_middleware[0].kwargs["service"].drain.begun = True  # type: ignore[attr-defined]
    assert client.get("/v2/health/ready").status_code == 503
    assert client.get("/v2/models/toylate/ready").status_code == 503
    assert client.get("/v2/health/live").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v2/nothing", 404), ("GET", INFER, 405), ("POST", INFER, 415)]
)
def test_every_error_below_v2_has_the_member_that_its_clients_read(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, content=b"x", headers={"content-type": "text/plain"})
    problem = answer.json()
    assert answer.status_code == status
    assert problem["error"] == f"{problem['detail']} {problem['remedy']}"


def test_other_errors_have_no_such_member(client: TestClient) -> None:
    assert "error" not in client.get("/nothing").json()


def test_16_mb_is_the_limit(client: TestClient) -> None:
    answer = client.post(INFER, content=b" " * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "error" in answer.json()


def test_the_tensors_of_an_answer_follow_its_class() -> None:
    class Rich(Response):
        """Every kind of field."""

        yes: bool
        count: int
        share: float | None
        grade: Literal["A", "B"]
        level: Literal[0, 1]
        mixed: Literal["A", 1]
        best: list[str]

    assert gives(Rich) == {
        "yes": "BOOL", "count": "INT64", "share": "FP64", "grade": "BYTES", "level": "INT64", "mixed": "BYTES",
        "best": "BYTES", "prediction_id": "BYTES", "model_version": "BYTES",
    }  # fmt: skip
    assert tuple(gives(Late)) == FIELDS
