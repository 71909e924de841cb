"""What a model is asked of, read from its API's own OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["integer", "number", "choice", "text", "switch"]
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
UNITS = {"Mb": "MB", "Cr": "credit", "Num": "number"}


@dataclass(frozen=True)
class Field:
    """A field of the request. `low` and `high` are its bounds, None where it has none; `example` is a sane value.

    A switch is a whole number that is 0 or 1; `longest` is the number of characters that a text may have.
    """

    name: str
    kind: Kind
    label: str
    description: str
    optional: bool
    example: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    longest: int | None = None

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in ("integer", "number", "switch")


def request_fields(document: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of POST /predict, in the schema's order."""
    schema = request_schema(document)
    required = set(schema.get("required", ()))
    return tuple(_field(name, said, name not in required) for name, said in schema["properties"].items())


def request_schema(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON schema of the body of POST /predict."""
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = body["$ref"].rsplit("/", 1)[-1]
    found: Mapping[str, Any] = document["components"]["schemas"][name]
    return found


def example_row(document: Mapping[str, Any]) -> dict[str, Any]:
    """The request that the schema gives as an example."""
    schema = request_schema(document)
    fields = request_fields(document)
    return dict(next(iter(schema.get("examples", ())), {field.name: field.example for field in fields}))


def label_of(name: str) -> str:
    """A name as a person writes it: `NumOfProducts` is "Num of products", `mb_used` "MB used"."""
    words = [UNITS.get(word.capitalize(), word if word.isupper() else word.lower()) for word in WORD.findall(name)]
    text = " ".join(words) or name
    return text[0].upper() + text[1:]


def _field(name: str, said: Mapping[str, Any], optional: bool) -> Field:
    schema = next((each for each in said.get("anyOf", ()) if each.get("type") != "null"), said)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    example = next(iter(said.get("examples", ())), said.get("default"))
    kind = _kind(schema, low, high)
    choices = tuple(schema.get("enum", [schema["const"]] if "const" in schema else ()))
    bounds = {"low": low, "high": high, "choices": choices, "longest": schema.get("maxLength")}
    return Field(name, kind, label_of(name), said.get("description", ""), optional, example, **bounds)


def _kind(schema: Mapping[str, Any], low: float | None, high: float | None) -> Kind:
    if "enum" in schema or "const" in schema:  # a set of one choice is a constant
        return "choice"
    if schema.get("type") == "integer":
        return "switch" if (low, high) == (0, 1) else "integer"
    return "number" if schema.get("type") == "number" else "text"
