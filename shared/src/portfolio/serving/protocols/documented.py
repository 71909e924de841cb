"""What /docs shows of the protocols: parts of operations, made from the project's request and response class."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from portfolio.serving import openapi
from portfolio.serving.body import BINARY, CSV, WISHES
from portfolio.serving.problems import JSON
from portfolio.serving.protocols.inference import EXTENSIONS, JSON_LENGTH
from portfolio.serving.protocols.tensors import Datatype, takes
from portfolio.spec import ModelSpec

Operation = dict[str, Any]

TEXT = {"type": "string"}
BYTES = {"type": "string", "format": "binary"}
NUMBERS_TOO = "A number comes in any numeric datatype; null and NaN are missing. [N, 1] is taken too."


class Live(BaseModel):
    """Whether the process answers."""

    live: bool


class Ready(BaseModel):
    """Whether traffic should come."""

    ready: bool


class ModelReady(Ready):
    """The same of one model."""

    name: str


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str] = Field(examples=[EXTENSIONS])


class TensorMetadata(BaseModel):
    """What a tensor is; -1 stands for the number of rows."""

    name: str
    datatype: Datatype
    shape: list[int] = Field(examples=[[-1]])


class ModelMetadata(BaseModel):
    """What the model takes and gives: a tensor for each field."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class OutputTensor(TensorMetadata):
    """A field's values, one a row."""

    data: list[Any]


class InferenceResponse(BaseModel):
    """A tensor for each field that was asked for."""

    model_name: str
    model_version: str
    id: str | None = Field(None, description="That of the request, if it has one")
    outputs: list[OutputTensor]


def server() -> Operation:
    """GET /v2."""
    return {"response_model": ServerMetadata}


def live() -> Operation:
    """GET /v2/health/live."""
    return {"response_model": Live}


def ready() -> Operation:
    """GET /v2/health/ready."""
    return {"response_model": Ready, "responses": _unready(Ready)}


def model(path: str) -> Operation:
    """GET of the model's metadata."""
    return {
        "response_model": ModelMetadata,
        "responses": openapi.problems(404, 503),
        "openapi_extra": {"parameters": _in_path(path)},
    }


def model_ready(path: str) -> Operation:
    """GET of the model's readiness."""
    return {
        "response_model": ModelReady,
        "responses": {**openapi.problems(404), **_unready(ModelReady)},
        "openapi_extra": {"parameters": _in_path(path)},
    }


def infer(path: str, spec: ModelSpec) -> Operation:
    """POST of tensors."""
    answer = {"description": f"In binary where that is asked for; {JSON_LENGTH} tells where the JSON ends"}
    content = {JSON: {"schema": _tensors(spec), "example": _tensors_example(spec)}, BINARY: {"schema": BYTES}}
    return {
        "response_model": InferenceResponse,
        "responses": {
            200: {**answer, "content": {BINARY: {"schema": BYTES}}},
            **openapi.problems(400, 404, 413, 415, 422, 503),
        },
        "openapi_extra": {
            "requestBody": {"required": True, "content": content},
            "parameters": [*_in_path(path), *openapi.flags("dry_run")],
        },
    }


def invocations(spec: ModelSpec) -> Operation:
    """POST of a table."""
    row = openapi.example(spec.request)
    table = {"schema": _table(spec), "example": {"dataframe_records": [row]}}
    text = {"schema": TEXT, "example": ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"}
    return {
        "responses": openapi.problems(400, 413, 415, 422, 503),
        "openapi_extra": {
            "requestBody": {"required": True, "content": {JSON: table, CSV: text}},
            "parameters": openapi.flags(*WISHES),
        },
    }


def ping() -> Operation:
    """GET /ping."""
    return {"responses": {503: {"description": "Not ready"}}}


def mlflow_version() -> Operation:
    """GET /version."""
    content = {"text/plain": {"schema": TEXT}}
    return {"responses": {200: {"description": "A version number", "content": content}, **openapi.problems(404)}}


def _unready(form: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {503: {"description": "Not ready", "model": form}}


def _in_path(path: str) -> list[dict[str, Any]]:
    names = [name for name in ("model", "version") if f"{{{name}}}" in path]
    return [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]


def _tensors(spec: ModelSpec) -> dict[str, Any]:
    names = [column.name for column in spec.request.COLUMNS]
    tensor = {
        "type": "object",
        "description": NUMBERS_TOO,
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": {**TEXT, "enum": names},
            "datatype": TEXT,
            "shape": {"type": "array", "items": {"type": "integer"}},
            "parameters": {"type": "object"},
            "data": {"type": "array", "items": {}},
        },
    }
    wanted = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "parameters": {"type": "object"}}}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": TEXT,
            "parameters": {"type": "object"},
            "inputs": {"type": "array", "items": tensor, "maxItems": len(names)},
            "outputs": {"type": "array", "items": wanted},
        },
    }


def _tensors_example(spec: ModelSpec) -> dict[str, Any]:
    row = openapi.example(spec.request)
    return {
        "inputs": [
            {"name": column.name, "datatype": takes(column), "shape": [1], "data": [row[column.name]]}
            for column in spec.request.COLUMNS
            if column.name in row
        ]
    }


def _table(spec: ModelSpec) -> dict[str, Any]:
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{spec.request.__name__}"}}
    cells = {"type": "array", "items": {"type": "array", "items": {}}}
    names = {"type": "array", "items": {**TEXT, "enum": [column.name for column in spec.request.COLUMNS]}}
    split = {"type": "object", "required": ["columns", "data"], "properties": {"columns": names, "data": cells}}
    columns = {"type": "object", "additionalProperties": {"type": "array", "items": {}}}
    forms: dict[str, dict[str, Any]] = {
        "dataframe_split": split,
        "dataframe_records": rows,
        "instances": rows,
        "inputs": {"oneOf": [columns, rows]},
    }
    return {
        "oneOf": [{"type": "object", "required": [name], "properties": {name: form}} for name, form in forms.items()]
    }
