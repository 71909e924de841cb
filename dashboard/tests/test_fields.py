"""What a form shows is read from the API's own document."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.fields import Field, example_row, label_of, request_fields

PROPERTIES: dict[str, Any] = {
    "Age": {"type": "integer", "minimum": 18, "maximum": 100, "examples": [40], "description": "Years"},
    "HasCrCard": {"type": "integer", "minimum": 0, "maximum": 1, "examples": [1]},
    "Geography": {"type": "string", "enum": ["France", "Spain"], "examples": ["Spain"]},
    "odometer": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}], "default": None, "examples": [9.5]},
    "model": {"type": "string", "maxLength": 80, "examples": ["ford f-150"]},
}


def document(**more: Any) -> dict[str, Any]:
    schema = {"properties": PROPERTIES, "required": [name for name in PROPERTIES if name != "odometer"]} | more
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Row"}}}}
    return {"paths": {"/predict": {"post": {"requestBody": body}}}, "components": {"schemas": {"Row": schema}}}


def field(name: str) -> Field:
    return next(each for each in request_fields(document()) if each.name == name)


def test_fields_keep_the_order_of_the_schema() -> None:
    assert [each.name for each in request_fields(document())] == list(PROPERTIES)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Age", "integer"),
        ("HasCrCard", "switch"),
        ("Geography", "choice"),
        ("odometer", "number"),
        ("model", "text"),
    ],
)
def test_a_kind_follows_from_type_and_bounds(name: str, kind: str) -> None:
    assert field(name).kind == kind


def test_bounds_choices_and_what_may_be_missing_are_those_of_the_schema() -> None:
    assert (field("Age").low, field("Age").high, field("Age").optional) == (18, 100, False)
    assert field("Geography").choices == ("France", "Spain")
    assert (field("odometer").low, field("odometer").high, field("odometer").optional) == (0, None, True)


def test_the_example_is_the_schemas_own_or_made_of_the_fields() -> None:
    assert example_row(document()) == {name: said["examples"][0] for name, said in PROPERTIES.items()}
    assert example_row(document(examples=[{"Age": 33}])) == {"Age": 33}


@pytest.mark.parametrize(
    ("name", "label"),
    [("NumOfProducts", "Number of products"), ("mb_used", "MB used"), ("HasCrCard", "Has credit card"), ("Age", "Age")],
)
def test_a_name_reads_as_a_label(name: str, label: str) -> None:
    assert label_of(name) == label
