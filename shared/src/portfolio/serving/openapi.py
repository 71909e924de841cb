"""What /docs shows: the request class and the response class of the project, with an example, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field, create_model

from portfolio.serving.body import WISHES
from portfolio.serving.problems import MEDIA_TYPE
from portfolio.serving.validate import BATCH_ROWS
from portfolio.spec import Column, ModelSpec, Request, Response

TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "remedy": TEXT,
        "instance": TEXT,
        "request_id": TEXT,
        "error": {"type": "string", "description": "Under /v2: detail and remedy, where its clients look"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "allowed"],
                "properties": {"index": {"type": "integer"}, "field": TEXT, "message": TEXT, "allowed": TEXT},
            },
        },
    },
}


class Explanation(BaseModel):
    """base + sum(contributions) + calibration = answer."""

    base: float
    contributions: dict[str, float] = Field(description="One part for each request field")
    calibration: float
    answer: float
    scale: str = Field(description="What the parts are measured in")


class Documented(FastAPI):
    """FastAPI with the schemas that its own analysis of routes can't see."""

    request_schemas: Mapping[str, Any] = {}

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            schemas = super().openapi().setdefault("components", {}).setdefault("schemas", {})
            schemas |= {"Problem": PROBLEM, **self.request_schemas}
        assert self.openapi_schema is not None
        return self.openapi_schema


def request_schemas(request: type[Request]) -> dict[str, Any]:
    """The request class's schema, with an example that it accepts."""
    return {request.__name__: {**request.model_json_schema(), "examples": [example(request)]}}


def example(request: type[Request]) -> dict[str, Any]:
    """A valid request object, from the examples of the fields."""
    named = zip(request.COLUMNS, request.model_fields.values(), strict=True)
    given = {column.name: field.examples[0] if field.examples else _plain(column) for column, field in named}
    return {name: value for name, value in given.items() if value is not None}


def accepts(spec: ModelSpec, *, batch: bool = False, wishes: tuple[str, ...] = WISHES) -> dict[str, Any]:
    """The part of an operation that names its body and query."""
    one = {"$ref": f"#/components/schemas/{spec.request.__name__}"}
    many = {
        "type": "object",
        "required": ["instances"],
        "additionalProperties": False,
        "properties": {"instances": {"type": "array", "minItems": 1, "maxItems": BATCH_ROWS, "items": one}},
    }
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": many if batch else one}}},
        "parameters": flags(*wishes),
    }


def flags(*names: str) -> list[dict[str, Any]]:
    """Wishes in the query."""
    schema = {"type": "boolean", "default": False}
    return [{"name": name, "in": "query", "schema": schema} for name in names]


def answers(response: type[Response]) -> type[BaseModel]:
    """The response class with the explanation that is there when it was asked for."""
    explanation: Any = (Explanation | None, Field(None, description="Only where explain=true asked for it"))
    return create_model(f"{response.__name__}Answer", __base__=response, explanation=explanation)


def batch_answers(answer: type[BaseModel]) -> type[BaseModel]:
    """Answers in the order of the instances."""
    predictions: Any = (list[answer], ...)  # type: ignore[valid-type]
    return create_model(f"{answer.__name__}s", predictions=predictions)


def reloading() -> dict[str, Any]:
    """POST /admin/reload."""
    version = {"type": ["string", "null"]}
    properties = {"old": version, "new": TEXT, "seconds": {"type": "number"}, "workers": {"type": "integer"}}
    schema = {"type": "object", "required": list(properties), "properties": properties}
    done = {"description": "Every worker serves `new`", "content": {"application/json": {"schema": schema}}}
    key = {"name": "X-API-Key", "in": "header", "required": True, "schema": TEXT}
    return {"responses": {200: done, **problems(401, 403, 409, 503)}, "openapi_extra": {"parameters": [key]}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses of an operation that are problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _plain(column: Column) -> Any:
    if column.optional:
        return None
    if column.numeric:
        return next((bound for bound in (column.low, column.high) if bound is not None), 0)
    return next(iter(column.choices), "text"[: column.max_length])
