"""Bulk rules refuse exactly the rows that the request class refuses."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from portfolio.data.frames import frame_of
from portfolio.data.rules import validate
from portfolio.spec import Request


class Parcel(Request):
    """Every kind of rule."""

    pieces: int = Field(ge=1, le=9)
    weight: float | None = Field(None, gt=0, lt=100)
    colour: Literal["red", "blue"]
    shape: Literal["cube", "ball"] | None = None
    note: str = Field(min_length=1, max_length=5)


VALUES = {
    "pieces": st.sampled_from([None, 0, 1, 5, 9, 10, 2.5]),
    "weight": st.sampled_from([None, 0, 1e-9, 50, 99.9, 100, math.inf]),
    "colour": st.sampled_from([None, "red", "blue", "green"]),
    "shape": st.sampled_from([None, "cube", "cone"]),
    "note": st.sampled_from([None, "", "a", "five5", "sixsix"]),
}


def accepted(row: dict[str, Any]) -> bool:
    try:
        Parcel.parse_object({name: value for name, value in row.items() if value is not None})
    except ValidationError:
        return False
    return True


@given(rows=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=20))
def test_the_verdict_on_every_row_is_the_request_class_own(rows: list[dict[str, Any]]) -> None:
    report = validate(frame_of(rows, Parcel.COLUMNS), Parcel.COLUMNS)
    assert (~report.bad).tolist() == [accepted(row) for row in rows]


@pytest.fixture
def good() -> dict[str, Any]:
    return {"pieces": 1, "weight": 1.0, "colour": "red", "note": "x"}


def test_a_breach_names_column_rule_rows_and_examples(good: dict[str, Any]) -> None:
    report = validate(frame_of([good, good | {"pieces": 12}, good | {"pieces": 12}], Parcel.COLUMNS), Parcel.COLUMNS)
    (breach,) = report.breaches
    assert (breach.column, breach.rule, breach.rows) == ("pieces", "must be at most 9", (1, 2))
    assert "12.0" in str(breach)


def test_text_where_a_number_belongs_is_bad_even_in_an_optional_column(good: dict[str, Any]) -> None:
    frame = frame_of([good, good | {"weight": None}], Parcel.COLUMNS)
    report = validate(frame, Parcel.COLUMNS, unreadable={"weight": np.array([False, True])})
    assert report.bad.tolist() == [False, True]
    assert [breach.rule for breach in report.breaches] == ["must be a number"]
