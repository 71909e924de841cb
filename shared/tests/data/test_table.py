"""A data file becomes valid rows, or one clear error."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import COST, LATE, project

from portfolio.data.source import identify
from portfolio.data.table import Rows, load
from portfolio.errors import DataError
from portfolio.spec import ModelSpec

HEADER = "pieces,weight,colour,note,late,cost"
GOOD = "3,2.5,red,ok,1,20"


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return project(LATE, tmp_path / "project")


def loaded(spec: ModelSpec, *lines: str, allowed: int = 0, header: str = HEADER) -> Rows:
    path = spec.root / "rows.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return load(spec, identify(spec, path), max_bad_rows=allowed, bad_rows_path=spec.root / "bad_rows.csv")


def test_cells_become_a_frame_with_missing_values(spec: ModelSpec) -> None:
    rows = loaded(spec, "3.0,,red,,1,20", "1,2.5,blue,x,0,20")
    assert rows.frame["pieces"].tolist() == [3.0, 1.0]
    assert np.isnan(rows.frame["weight"][0])
    assert rows.frame["colour"].tolist() == ["red", "blue"]
    assert rows.target.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("12,2.5,red,ok,1,20", "pieces: must be at most 9"),
        ("2.5,2.5,red,ok,1,20", "pieces: must be a whole number"),
        ("3,heavy,red,ok,1,20", "weight: must be a number"),
        ("3,2.5,green,ok,1,20", "colour: must be one of red, blue"),
        (",2.5,red,ok,1,20", "pieces: may not be missing"),
        ("3,2.5,red,ok,,20", "late: may not be missing"),
        ("3,2.5,red,ok,2,20", "late: must be at most 1"),
        ("3,inf,red,ok,1,20", "weight: must be finite"),
    ],
)
def test_a_bad_row_is_left_out_and_listed_with_its_line_and_reason(spec: ModelSpec, line: str, reason: str) -> None:
    rows = loaded(spec, GOOD, line, GOOD, allowed=1)
    assert len(rows) == 2
    with (spec.root / "bad_rows.csv").open(encoding="utf-8", newline="") as file:
        (listed,) = csv.DictReader(file)
    assert (listed["line"], listed["reasons"]) == ("3", reason)


def test_more_bad_rows_than_allowed_stop_the_run_and_say_what_is_wrong(spec: ModelSpec) -> None:
    with pytest.raises(DataError) as caught:
        loaded(spec, GOOD, *["12,2.5,red,ok,1,20"] * 3, allowed=2)
    text = str(caught.value)
    assert "3 bad rows, more than max_bad_rows = 2" in text
    assert "pieces: must be at most 9: 3 row(s), for example 12" in text
    assert "bad_rows.csv" in text


def test_a_list_of_bad_rows_does_not_outlive_them(spec: ModelSpec) -> None:
    loaded(spec, "12,2.5,red,ok,1,20", allowed=1)
    loaded(spec, GOOD)
    assert not (spec.root / "bad_rows.csv").exists()


def test_amounts_outside_the_tasks_bounds_are_out_of_scope_not_bad(tmp_path: Path) -> None:
    rows = loaded(project(COST, tmp_path / "cost"), GOOD, "3,2.5,red,ok,1,0.5", "12,2.5,red,ok,1,5000")
    assert (len(rows), rows.out_of_scope, rows.refused.bad.sum()) == (1, 2, 0)
    assert rows.beyond["cost"].tolist() == [0.5, 5000]
    assert rows.beyond["pieces"].tolist() == [3, 12]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "can't be read as CSV"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "can't be read as CSV"),
        (b'pieces,weight\n"1,2\n', "can't be read as CSV"),
        (b"a,b\n1,2\n", "lacks the column"),
        (HEADER.encode() + b"\n", "has no rows"),
        (HEADER.encode() + b"\n3,2,5,red,ok,1,20\n", "more cells than its header"),
        (HEADER.encode() + b"\n3,2.5,red,ok,1,20,\n", "more cells than its header"),
    ],
    ids=["empty", "a picture", "an open quote", "other columns", "a header only", "a decimal comma", "a last comma"],
)
def test_a_broken_file_is_one_clear_error(spec: ModelSpec, content: bytes, reason: str) -> None:
    path = spec.root / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        load(spec, identify(spec, path), max_bad_rows=0, bad_rows_path=spec.root / "bad.csv")
    assert caught.value.remedy


def test_a_column_that_prepare_needs_is_named_too(spec: ModelSpec) -> None:
    needing = replace(spec, source=replace(spec.source, prepare=lambda table: table.assign(x=table["posted"])))
    with pytest.raises(DataError, match=r"lacks the column\(s\) posted"):
        loaded(needing, GOOD)


def test_rows_alike_in_all_request_fields_share_a_key(spec: ModelSpec) -> None:
    rows = loaded(spec, "3,2.5,red,ok,1,20", "3,2.50,red,ok,0,30", "4,2.5,red,ok,0,30")
    assert rows.keys[0] == rows.keys[1] != rows.keys[2]
