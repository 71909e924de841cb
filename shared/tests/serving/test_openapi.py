"""The OpenAPI document tells the truth about what is taken and answered."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from pydantic import Field
from toys import Order

from portfolio.serving.openapi import example
from portfolio.spec import Request

V2 = ("", "/ready", "/infer")


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    """The document as clients read it."""
    return dict(client.get("/openapi.json").json())


def test_every_path_of_the_contract_is_there(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/", "/health", "/health/live", "/health/ready", "/model/info", "/model/card",
        "/predict", "/predict/batch", "/explain", "/labels", "/metrics", "/stats", "/monitoring/stats",
        "/v2", "/v2/health/live", "/v2/health/ready",
        *(f"/v2/models/{{model}}{version}{what}" for version in ("", "/versions/{version}") for what in V2),
        "/invocations", "/ping", "/version", "/admin/reload",
    }  # fmt: skip


def test_data_is_there_where_it_is_open(cost_client: TestClient) -> None:
    assert "/data" in cost_client.get("/openapi.json").json()["paths"]


def test_the_request_class_is_the_documented_body(document: dict[str, Any]) -> None:
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Order"}
    assert document["components"]["schemas"]["Order"]["properties"] == Order.model_json_schema()["properties"]


def test_the_documented_example_is_answered(client: TestClient, document: dict[str, Any]) -> None:
    [one] = document["components"]["schemas"]["Order"]["examples"]
    assert client.post("/predict", json=one).status_code == 200


def test_the_response_class_is_the_documented_answer(document: dict[str, Any]) -> None:
    content = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    fields = document["components"]["schemas"][name]["properties"]
    assert {"probability", "late", "mood", "prediction_id", "model_version", "explanation"} == set(fields)


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain", "/v2/models/{model}/infer", "/invocations"])
def test_every_problem_is_documented_as_one(document: dict[str, Any], path: str) -> None:
    responses = document["paths"][path]["post"]["responses"]
    assert {"400", "413", "415", "422", "503"} < set(responses)
    assert all("application/problem+json" in responses[status]["content"] for status in responses if status != "200")


def test_every_reference_leads_somewhere(client: TestClient, document: dict[str, Any]) -> None:
    text = client.get("/openapi.json").text
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names == set(document["components"]["schemas"])


def test_the_wishes_are_documented(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/predict"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["explain", "dry_run"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v2/models/{model}/infer", "application/json"),
        ("/v2/models/{model}/versions/{version}/infer", "application/json"),
        ("/invocations", "application/json"),
        ("/invocations", "text/csv"),
    ],
)
def test_the_example_of_a_protocol_is_answered(
    client: TestClient, document: dict[str, Any], path: str, kind: str
) -> None:
    example = document["paths"][path]["post"]["requestBody"]["content"][kind]["example"]
    body = example if isinstance(example, str) else orjson.dumps(example)
    answer = client.post(path.format(model="toylate", version="7"), content=body, headers={"content-type": kind})
    assert answer.status_code == 200, answer.text


def test_what_stands_in_a_path_is_documented(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v2/models/{model}/versions/{version}/infer"]["post"]["parameters"]
    assert [(one["name"], one["in"]) for one in parameters] == [
        ("model", "path"), ("version", "path"), ("dry_run", "query"),
    ]  # fmt: skip


def test_an_example_is_made_where_the_fields_give_none() -> None:
    class Bare(Request):
        """No examples."""

        low: int = Field(ge=5)
        free: float
        text: str = Field(min_length=1, max_length=3)
        gone: float | None = None

    assert Bare.model_validate(example(Bare)) == Bare(low=5, free=0, text="tex")
