"""Whole columns are asked, and every row gets the verdict that the request class gives to it alone."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from pydantic_core import from_json

from portfolio.batch import cells
from portfolio.batch.csv_files import read as read_csv
from portfolio.batch.job import Input, Job, Part
from portfolio.batch.json_lines import read as read_json_lines
from portfolio.batch.rows import Refusal, Rows
from portfolio.batch.verdicts import validate
from portfolio.errors import RequestRefused
from portfolio.serving.validate import validate as validate_request
from portfolio.spec import ModelSpec, Request


class Parcel(Request):
    """Every kind of rule."""

    pieces: int = Field(ge=1, le=9)
    weight: float | None = Field(None, gt=0, lt=100)
    total: float
    count: int | None = None
    colour: Literal["red", "blue"]
    shape: Literal["cube", "ball"] | None = None
    note: str = Field(min_length=1, max_length=5)
    remark: str = Field("", max_length=3)
    label: str | None = Field(None, min_length=1)


GOOD: dict[str, Any] = {"pieces": 1, "weight": 1.5, "total": -2, "colour": "red", "note": "x"}
HUGE = 10**400  # JSON may hold it, and no float
ODD = [None, True, "", "1", [], {}, 1, 5, 9, 10, 0, 2.5, 3.0, -1e-9, 99.9, 100, 1e39, 10**30, HUGE, math.nan, math.inf]
TEXTS = ["red", "blue", "green", "cube", "cone", "a", "five5", "sixsix", "größe", " red", "\ud83d\ude00" * 2]
FIELDS = st.sampled_from(list(Parcel.model_fields))
JSON_CELLS = st.sampled_from(ODD + TEXTS)
NUMBERS = ["", " ", "1", "1.0", " 5 ", "+5", "9.", ".5", "1e1", "1E0", "10", "0", "-0", "1_0", "1,5", "0x1", "one"]
NUMBERS += [
    "nan",
    "NaN",
    "nan(1)",
    "inf",
    "-Infinity",
    "1e400",
    "1e-400",
    "१",
    "--1",
    "1 2",
    "007",
    "1d",
    "true",
    "99.9",
]
CSV_CELLS = st.sampled_from(NUMBERS + [text for text in TEXTS if text.isprintable()] + ['"', "a,b", "a\nb"])


def job(
    reads: str, writes: str = "jsonl", names: tuple[str, ...] = tuple(Parcel.COLUMNS[i].name for i in range(9))
) -> Job:
    file = Input(path="rows", size=1, modified=1, names=names)
    return Job(
        project="x", bundle="", digest="", features="", model_version="1", options={}, inputs=(file,), output="out",
        reads=reads, writes="jsonl", columns=names, part_bytes=1, part_rows=1,
    )  # fmt: skip


def part(path: Path, content: bytes) -> Part:
    path.write_bytes(content)
    return Part(number=0, file=0, path=str(path), first=0, last=len(content), weight=1)


def lax(cell: str, numeric: bool) -> Any:
    """What a cell of CSV means: nothing, a number where it reads as one, else text."""
    trimmed = cell.strip() if numeric else cell
    if trimmed == "":
        return None
    plain = trimmed.isascii() and "_" not in trimmed and not trimmed.lower().endswith("nan")
    try:
        return float(trimmed) if numeric and plain else cell
    except ValueError:
        return cell


def accepts(fields: dict[str, Any]) -> bool:
    if HUGE in fields.values():
        return False
    try:
        Parcel.parse_object(fields)
    except ValidationError:
        return False
    return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("verdicts") / "rows"


@pytest.fixture(scope="module")
def spec(late: ModelSpec) -> Any:
    class Parcels:
        """As much of a spec as reading needs."""

        request = Parcel
        response = late.response

    return Parcels


@given(
    changes=st.lists(st.dictionaries(st.sampled_from(list(Parcel.model_fields)), JSON_CELLS, max_size=3), min_size=1)
)
def test_json_lines_get_the_verdict_of_the_request_class(place: Path, spec: Any, changes: list[dict[str, Any]]) -> None:
    lines = [json.dumps(GOOD | change) for change in changes]
    rows, unread = read_json_lines(job("jsonl"), part(place, "\n".join(lines).encode()), spec)
    good, refused = validate(rows, Parcel)
    verdicts = {number: accepts(from_json(line)) for number, line in enumerate(lines, 1)}
    assert unread == []
    assert sorted(good.numbers) == [number for number, accepted in verdicts.items() if accepted]
    assert [refusal.row for refusal in refused] == [number for number, accepted in verdicts.items() if not accepted]
    assert all(refusal.problems for refusal in refused)


@given(data=st.lists(st.dictionaries(FIELDS, CSV_CELLS, max_size=3), min_size=1))
def test_csv_gets_the_verdict_of_the_request_class_on_what_its_cells_mean(
    place: Path, data: list[dict[str, str]]
) -> None:
    blank = dict.fromkeys(Parcel.model_fields, "")
    written = [blank | {name: str(value) for name, value in GOOD.items()} | change for change in data]
    text = io.StringIO(newline="")
    csv.DictWriter(text, Parcel.model_fields, lineterminator="\n").writerows(written)
    rows, unread = read_csv(job("csv"), part(place, text.getvalue().encode()), Parcel)
    good, refused = validate(rows, Parcel)
    meant = [{c.name: lax(row[c.name], c.numeric) for c in Parcel.COLUMNS} for row in written]
    verdicts = [accepts({name: value for name, value in row.items() if value is not None}) for row in meant]
    assert unread == []
    assert [number - 1 for number in good.numbers] == [row for row, accepted in enumerate(verdicts) if accepted]
    assert all(refusal.problems for refusal in refused)


@pytest.mark.parametrize(
    "change",
    [
        {"pieces": 0}, {"pieces": 10}, {"pieces": 2.5}, {"pieces": "3"}, {"pieces": True}, {"weight": 0},
        {"weight": 100}, {"weight": math.nan}, {"weight": math.inf}, {"colour": "green"}, {"colour": 1},
        {"colour": None}, {"note": ""}, {"note": "sixsix"}, {"pieces": None}, {"remark": None}, {"label": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_refused_row_is_told_what_the_api_would_tell(change: dict[str, Any], place: Path, spec: Any) -> None:
    line = json.dumps(GOOD | change).encode()
    rows, _ = read_json_lines(job("jsonl"), part(place, line), spec)
    _, [refusal] = validate(rows, Parcel)
    with pytest.raises(RequestRefused) as refused:
        validate_request(Parcel, line)
    told = [{"field": problem["field"], "message": problem["message"]} for problem in refused.value.problems]
    assert list(refusal.problems) == told


def test_a_missing_field_is_told_so(place: Path, spec: Any) -> None:
    rows, _ = read_json_lines(job("jsonl"), part(place, b'{"pieces":1,"total":1,"colour":"red"}'), spec)
    _, [refusal] = validate(rows, Parcel)
    assert refusal == Refusal(1, ({"field": "note", "message": "missing"},), {"pieces": 1, "total": 1, "colour": "red"})


def test_only_refused_rows_go_through_the_request_class(
    place: Path, spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(Parcel, "parse_object", classmethod(lambda cls, fields: seen.append(fields)))
    lines = [json.dumps(GOOD), json.dumps(GOOD | {"pieces": 0}), json.dumps(GOOD)]
    rows, _ = read_json_lines(job("jsonl"), part(place, "\n".join(lines).encode()), spec)
    validate(rows, Parcel)
    assert seen == [GOOD | {"pieces": 0}]


def test_numbers_of_parquet_are_taken_as_they_are_and_nan_is_missing() -> None:
    table = pa.table({"pieces": pa.array([1, None], pa.uint8()), "weight": pa.array([math.nan, 2.5], pa.float32())})
    frame, doubtful = cells.frame_of_table(table, Parcel.COLUMNS[:2])
    assert doubtful == {}
    assert frame["pieces"].tolist()[0] == 1
    assert [math.isnan(value) for value in (frame["pieces"][1], frame["weight"][0])] == [True, True]


def test_a_row_keeps_its_number_when_others_go() -> None:
    frame, doubtful = cells.frame_of_objects([GOOD, GOOD | {"pieces": 0}, GOOD], Parcel)
    rows = Rows([{"n": 1}, {"n": 2}, {"n": 3}], frame, doubtful, cells.np.array([1, 4, 5]))
    good, refused = validate(rows, Parcel)
    assert good.numbers.tolist() == [1, 5]
    assert good.passed == [{"n": 1}, {"n": 3}]
    assert [(refusal.row, refusal.raw) for refusal in refused] == [(4, {"n": 2})]
