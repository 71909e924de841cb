"""Rows that can't be scored are left out and listed, with the file, their number and the reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from toys import ORDER

from portfolio.batch.join import Summary
from portfolio.serving import create_app
from portfolio.spec import ModelSpec

Score = Callable[..., Summary]
HEADER = "id,pieces,weight,colour\n"
GOOD = "1,3,2.5,red\n"


def scored(run: Score, content: str | bytes, tmp_path: Path, *, name: str = "rows.csv") -> tuple[int, list[Any]]:
    """How many rows were scored, and the list of the others."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    summary = run(path, "scores.csv")
    listed = tmp_path / "scores.csv.rejected.jsonl"
    assert summary.rejected == (listed if summary.refused else None)
    refused = [json.loads(line) for line in listed.read_bytes().splitlines()] if summary.rejected else []
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert len(lines) - 1 == summary.rows - summary.refused
    assert len(refused) == summary.refused
    return len(lines) - 1, refused


def test_a_bad_row_is_listed_with_what_was_wrong_and_what_it_was(run: Score, tmp_path: Path) -> None:
    count, refused = scored(run, HEADER + GOOD + "7,12,abc,red\n" + GOOD, tmp_path)
    assert count == 2
    assert refused == [
        {
            "file": str(tmp_path / "rows.csv"),
            "row": 2,
            "problems": [
                {"field": "pieces", "message": "must be at most 9"},
                {"field": "weight", "message": "must be a number"},
            ],
            "raw": {"id": "7", "pieces": "12", "weight": "abc", "colour": "red"},
        }
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"1,3,2.5\n", "has 3 cells, and the header has 4"),
        (b"1,3,2.5,red,\n", "has 5 cells, and the header has 4"),
        (b"1,3,2,5,red\n", "has 5 cells, and the header has 4"),
        (b"\xff\xfe,3,2.5,red\n", "is not UTF-8"),
    ],
)
def test_what_is_no_row_is_listed_too(line: bytes, message: str, run: Score, tmp_path: Path) -> None:
    count, [refused] = scored(run, (HEADER + GOOD).encode() + line + b"\n" + GOOD.encode(), tmp_path)
    assert (count, refused["row"]) == (2, 2)
    assert refused["problems"] == [{"field": "row", "message": message}]


def test_rows_after_what_is_no_row_keep_their_numbers(run: Score, tmp_path: Path) -> None:
    _, refused = scored(run, HEADER + "1,2\n" + GOOD + "9,0,1,red\n" + "1\n" + "9,0,1,red\n", tmp_path)
    assert [one["row"] for one in refused] == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b"\xff", "is not valid JSON"),
        (json.dumps(ORDER | {"mood": "calm"}).encode(), "has mood, which is the name of an answer"),
        (json.dumps(ORDER | {"new": 1}).encode(), "has new, which the first rows have not"),
    ],
)
def test_a_line_that_is_no_row_is_listed_too(
    line: bytes, message: str, run: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = json.dumps(ORDER).encode()
    monkeypatch.setattr("portfolio.batch.texts.FIRST_BYTES", len(good) + 1)
    count, [refused] = scored(run, good + b"\n" + line + b"\n\n" + good, tmp_path, name="rows.jsonl")
    assert (count, refused["row"], refused["raw"]) == (2, 2, line.decode(errors="replace"))
    assert refused["problems"][0]["message"].startswith(message)


@pytest.mark.parametrize(("weight", "pieces"), [(1e39, 3), (3e38, 9)], ids=["itself", "a feature of it"])
def test_only_the_row_with_a_number_too_large_to_score_is_refused(
    weight: float, pieces: int, late: ModelSpec, run: Score, tmp_path: Path
) -> None:
    count, refused = scored(run, HEADER + GOOD + f"1,{pieces},{weight},red\n" * 30 + GOOD, tmp_path)
    assert count == 2
    assert [one["row"] for one in refused] == list(range(2, 32))
    with TestClient(create_app(late)) as client:
        told = client.post("/predict", json={"pieces": pieces, "weight": weight, "colour": "red"}).json()["errors"]
    expected = [{"field": problem["field"], "message": problem["message"]} for problem in told]
    assert refused[0]["problems"] == expected


def test_rows_are_numbered_within_their_file_over_all_its_parts(run: Score, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    bad = "9,0,1,red\n"
    (folder / "a.csv").write_text(HEADER + GOOD * 30 + bad + GOOD * 30 + bad)
    (folder / "b.csv").write_text(HEADER + bad + GOOD * 30 + bad)
    summary = run(folder, "scores.csv", part_bytes=50)
    listed = [json.loads(line) for line in summary.rejected.read_bytes().splitlines()] if summary.rejected else []
    assert [(Path(one["file"]).name, one["row"]) for one in listed] == [
        ("a.csv", 31), ("a.csv", 62), ("b.csv", 1), ("b.csv", 32),
    ]  # fmt: skip
    assert (summary.rows, summary.refused, summary.reasons) == (94, 4, {"pieces: must be at least 1": 4})


def test_a_file_of_bad_rows_becomes_one_without_rows(run: Score, tmp_path: Path) -> None:
    count, refused = scored(run, HEADER + "1,0,1,red\n" * 3, tmp_path)
    assert (count, len(refused)) == (0, 3)


def test_a_list_of_refused_rows_does_not_outlive_them(run: Score, tmp_path: Path) -> None:
    scored(run, HEADER + "1,0,1,red\n", tmp_path)
    (tmp_path / "scores.csv").unlink()
    scored(run, HEADER + GOOD, tmp_path)
    assert not (tmp_path / "scores.csv.rejected.jsonl").exists()


def test_rows_of_a_compressed_file_are_refused_alike(run: Score, tmp_path: Path) -> None:
    content = gzip.compress((HEADER + GOOD + "1,0,1,red\n").encode())
    count, [refused] = scored(run, content, tmp_path, name="rows.csv.gz")
    assert (count, refused["row"], refused["file"]) == (1, 2, str(tmp_path / "rows.csv.gz"))
