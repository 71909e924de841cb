"""The columns of an answer: the response's fields but for the id of a prediction, which only the API gives."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pyarrow as pa

from portfolio.errors import ConfigError
from portfolio.spec import Response

BESIDE = ("prediction_id", "model_version")
TYPES = {float: pa.float64(), int: pa.int64(), str: pa.string(), bool: pa.bool_()}


def answer_names(response: type[Response]) -> tuple[str, ...]:
    """Names in their order: what the project answers, then the model's version."""
    return (*(name for name in response.model_fields if name not in BESIDE), "model_version")


def answer_schema(response: type[Response]) -> pa.Schema:
    """Arrow types of the answer's columns; ConfigError for a field that is no number, text or truth value."""
    return pa.schema([(name, _type(response, name)) for name in answer_names(response)])


def answer_table(answers: list[dict[str, Any]], response: type[Response], model_version: str) -> pa.Table:
    """Answers as columns."""
    *names, _ = schema = answer_schema(response)
    columns = [pa.array([answer[field.name] for answer in answers], field.type) for field in names]
    return pa.table([*columns, pa.repeat(model_version, len(answers))], schema=schema)


def _type(response: type[Response], name: str) -> pa.DataType:
    annotation = response.model_fields[name].annotation
    kind: Any = annotation
    if get_origin(kind) in (Union, UnionType):
        kind = next(one for one in get_args(kind) if one is not NoneType)
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    if kind not in TYPES:
        raise ConfigError(f"{response.__name__}.{name} is {annotation}, which no column of a file can hold.")
    return TYPES[kind]
