"""Every kind of file goes in and comes out, with the answers that the API gives to the same rows."""

from __future__ import annotations

import csv
import errno
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from toys import ORDER, Row, orders

from portfolio.batch.join import Summary
from portfolio.serving import create_app
from portfolio.spec import ModelSpec

Score = Callable[..., Summary]

ANSWERS = ("probability", "late", "mood", "model_version")


def write_csv(rows: list[Row], path: Path) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(rows: list[Row], path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(rows: list[Row], path: Path) -> Path:
    names = dict.fromkeys(name for row in rows for name in row)
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path, row_group_size=40)
    return path


def read(path: Path) -> list[Row]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {**row, "probability": float(row["probability"]), "late": int(row["late"])} for row in csv.DictReader(file)
        ]


WRITERS: dict[str, Callable[[list[Row], Path], Path]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [{"id": f"n{number}", **row} for number, row in enumerate(orders(300, seed=3))]


@pytest.fixture(scope="module")
def answers(late: ModelSpec, rows: list[Row]) -> list[Row]:
    """What the API says to the same rows."""
    body = {"instances": [{name: value for name, value in row.items() if name != "id"} for row in rows]}
    with TestClient(create_app(late)) as client:
        predictions: list[Row] = client.post("/predict/batch", json=body).json()["predictions"]
    return [{name: prediction[name] for name in ANSWERS} for prediction in predictions]


@pytest.mark.parametrize("writes", WRITERS)
@pytest.mark.parametrize("reads", WRITERS)
def test_a_file_has_the_answers_of_the_api_in_the_order_of_its_rows(
    reads: str, writes: str, rows: list[Row], answers: list[Row], run: Score, tmp_path: Path
) -> None:
    source = WRITERS[reads](rows, tmp_path / f"rows.{reads}")
    summary = run(source, f"scores.{writes}", part_bytes=2_000, part_rows=30)
    scored = read(tmp_path / f"scores.{writes}")
    assert [{name: row[name] for name in ANSWERS} for row in scored] == answers
    assert [row["id"] for row in scored] == [row["id"] for row in rows]
    assert (summary.rows, summary.refused) == (300, 0)


def test_amounts_come_out_too(cost: ModelSpec, run: Score, tmp_path: Path) -> None:
    run(write_csv([ORDER], tmp_path / "rows.csv"), "scores.jsonl", spec=cost)
    with TestClient(create_app(cost)) as client:
        answer = client.post("/predict", json=ORDER).json()
    (scored,) = read(tmp_path / "scores.jsonl")
    assert {name: scored[name] for name in ("cost", "low", "high")} == {n: answer[n] for n in ("cost", "low", "high")}


def test_csv_passes_through_cell_by_cell(run: Score, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        'note,id,colour,"the, target",pieces,weight\nx,007,red,"a ""b""\nc", 3.0 ,+2.50\n'
    )
    run(tmp_path / "rows.csv", "scores.csv")
    with (tmp_path / "scores.csv").open(newline="") as file:
        header, row = csv.reader(file)
    assert header == ["note", "id", "colour", "the, target", "pieces", "weight", *ANSWERS]
    assert row[:6] == ["x", "007", "red", 'a "b"\nc', " 3.0 ", "+2.50"]


def test_csv_becomes_parquet_with_the_types_of_the_request(run: Score, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,pieces,weight,colour\n007,3.0,,red\n")
    run(tmp_path / "rows.csv", "scores.parquet")
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.to_pylist()[0] | dict.fromkeys(ANSWERS) == {
        "id": "007", "pieces": 3, "weight": None, "colour": "red", **dict.fromkeys(ANSWERS)
    }  # fmt: skip
    assert table.schema.field("pieces").type == pa.int64()


def test_parquet_keeps_its_types(run: Score, tmp_path: Path) -> None:
    made = pa.table(
        {
            "pieces": pa.array([3, 4], pa.int8()),
            "weight": pa.array([float("nan"), 2.5], pa.float32()),
            "colour": pa.array(["red", "blue"]).dictionary_encode(),
            "days": pa.array([[1, 2], None], pa.list_(pa.int64())),
        }
    )
    pq.write_table(made, tmp_path / "rows.parquet")
    run(tmp_path / "rows.parquet", "scores.parquet")
    assert pq.read_table(tmp_path / "scores.parquet").select(made.column_names).schema.equals(made.schema)
    run(tmp_path / "rows.parquet", "scores.csv")
    with (tmp_path / "scores.csv").open(newline="") as file:
        assert [row["days"] for row in csv.DictReader(file)] == ["[1,2]", ""]


def test_json_lines_keep_fields_of_any_kind(run: Score, tmp_path: Path) -> None:
    extra = {"tags": ["a", {"b": None}], "at": 1.5}
    run(write_jsonl([ORDER | extra, ORDER], tmp_path / "rows.jsonl"), "scores.jsonl")
    first, second = read(tmp_path / "scores.jsonl")
    assert {name: first[name] for name in (*ORDER, *extra)} == ORDER | extra
    assert "tags" not in second


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfpieces,weight,colour\n3,2.5,red\n",
        b"pieces,weight,colour\r\n3,2.5,red\r\n",
        b"pieces,weight,colour\r3,2.5,red\r",
        b"pieces,weight,colour\n3,2.5,red",
        b"pieces,weight,colour\n\n\n3,2.5,red\n\n",
        b'"pieces","weight","colour"\n"3","2.5","red"\n',
        b"colour,pieces\nred,3\n",
        "pieces,weight,colour,Straße\n3,2.5,red,größer\n".encode(),
    ],
    ids=["BOM", "CRLF", "CR", "no last line end", "blank lines", "all quoted", "other columns", "not ASCII"],
)
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_csv_as_people_have_it(content: bytes, ending: str, run: Score, tmp_path: Path) -> None:
    (tmp_path / f"rows.{ending}").write_bytes(gzip.compress(content) if ending == "csv.gz" else content)
    summary = run(tmp_path / f"rows.{ending}", "scores.csv")
    assert (summary.rows, summary.refused) == (1, 0)


def test_a_file_without_rows_becomes_one_without_rows(run: Score, tmp_path: Path) -> None:
    sources = {"csv": b"pieces,weight,colour\n", "jsonl": b"", "csv.gz": gzip.compress(b"pieces,colour\n")}
    for ending, content in sources.items():
        (tmp_path / f"rows.{ending}").write_bytes(content)
    write_parquet([ORDER], tmp_path / "one.parquet")
    pq.write_table(pq.read_table(tmp_path / "one.parquet").slice(0, 0), tmp_path / "rows.parquet")
    for reads in (*sources, "parquet"):
        for writes in WRITERS:
            summary = run(tmp_path / f"rows.{reads}", f"{reads}.{writes}")
            assert (summary.rows, read(tmp_path / f"{reads}.{writes}")) == (0, [])
    assert (tmp_path / "csv.csv").read_text() == "pieces,weight,colour,probability,late,mood,model_version\n"


def test_a_compressed_file_is_cut_into_parts_as_a_plain_one(
    rows: list[Row], run: Score, told: Any, tmp_path: Path
) -> None:
    plain = write_csv(rows, tmp_path / "rows.csv")
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    run(plain, "plain.csv", part_bytes=2_000)
    parts, told.scored = told.scored, []
    run(tmp_path / "rows.csv.gz", "packed.csv", part_bytes=2_000)
    assert told.scored == parts
    assert len(parts) > 3
    assert (tmp_path / "packed.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_parts_are_joined_on_file_systems_that_can_not_copy_themselves(
    rows: list[Row], run: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: int) -> int:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    source = write_csv(rows, tmp_path / "rows.csv")
    run(source, "copied.csv", part_bytes=2_000)
    monkeypatch.setattr("os.copy_file_range", refused)
    run(source, "read.csv", part_bytes=2_000)
    assert (tmp_path / "read.csv").read_bytes() == (tmp_path / "copied.csv").read_bytes()


def test_the_files_of_a_folder_or_a_pattern_come_out_as_one_sorted_by_name(
    rows: list[Row], run: Score, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_csv(rows[:100], folder / "b.csv")
    write_csv([dict(reversed(row.items())) for row in rows[100:]], folder / "c.csv")
    (folder / "_SUCCESS").touch()
    run(folder, "folder.csv")
    run(f"{folder}/*.csv", "pattern.csv")
    assert [row["id"] for row in read(tmp_path / "folder.csv")] == [row["id"] for row in rows]
    assert (tmp_path / "pattern.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()
