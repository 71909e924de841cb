"""One request class says what is valid, and every other view of the data derives from it."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, ValidationError

from portfolio.spec import Column, Request


class Order(Request):
    """A request with every kind of field."""

    amount: int = Field(ge=1, le=9, description="Pieces")
    weight: float | None = Field(None, gt=0, lt=100)
    colour: Literal["red", "blue"]
    note: str = Field("", max_length=5)


GOOD = '{"amount": 3, "weight": 2.5, "colour": "red", "note": "ok"}'


def test_columns_follow_from_the_fields() -> None:
    assert (
        Column("amount", numeric=True, whole=True, low=1, high=9, description="Pieces"),
        Column("weight", numeric=True, optional=True, low=0, high=100, low_open=True, high_open=True),
        Column("colour", numeric=False, choices=("red", "blue")),
        Column("note", numeric=False, optional=True, max_length=5),
    ) == Order.COLUMNS


def test_forty_point_zero_is_as_whole_as_forty() -> None:
    assert Order.parse(GOOD.replace("3", "3.0")) == Order.parse(GOOD)


def test_missing_optional_fields_are_none() -> None:
    assert Order.parse('{"amount": 3, "colour": "red"}').weight is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (GOOD.replace("3", '"3"'), "amount"),
        (GOOD.replace("3", "true"), "amount"),
        (GOOD.replace("3", "3.5"), "amount"),
        (GOOD.replace("3", "10"), "amount"),
        (GOOD.replace("3", "10.0"), "amount"),
        (GOOD.replace("2.5", "NaN"), "weight"),
        (GOOD.replace("2.5", "1e400"), "weight"),
        (GOOD.replace("2.5", "0"), "weight"),
        (GOOD.replace("2.5", "true"), "weight"),
        (GOOD.replace("red", "green"), "colour"),
        (GOOD.replace("ok", "too long"), "note"),
        (GOOD.replace('"note"', '"unknown"'), "unknown"),
        (GOOD.replace('"amount": 3,', ""), "amount"),
    ],
)
def test_a_broken_rule_names_its_field(body: str, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Order.parse(body)
    assert [problem["loc"] for problem in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize("body", ["", "[]", "null", "{", b"\xff", GOOD + "x", GOOD.replace("3", "9" * 5000)])
def test_what_is_no_json_object_is_refused(body: str | bytes) -> None:
    with pytest.raises(ValidationError):
        Order.parse(body)


def test_a_field_without_a_bulk_rule_is_refused_when_the_class_is_written() -> None:
    with pytest.raises(TypeError, match=r"code: .*pattern"):
        type("Bad", (Request,), {"__annotations__": {"code": str}, "code": Field(pattern="a+"), "__module__": __name__})


def test_a_default_that_a_missing_cell_would_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="amount: a default of 5"):
        type("Bad", (Request,), {"__annotations__": {"amount": int}, "amount": 5, "__module__": __name__})


def test_a_required_text_must_say_that_it_may_not_be_empty() -> None:
    with pytest.raises(TypeError, match="name: a required text needs min_length=1"):
        type("Bad", (Request,), {"__annotations__": {"name": str}, "__module__": __name__})


def test_a_closed_set_of_numbers_is_refused_because_true_would_pass_for_one() -> None:
    with pytest.raises(TypeError, match="flag: a closed set of numbers"):
        type("Bad", (Request,), {"__annotations__": {"flag": Literal[0, 1]}, "__module__": __name__})
