"""What no row can mend is one clear error, before anything is scored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toys import LATE, go_live, project, write_bundle, write_candidate

from portfolio.batch.answers import answer_schema
from portfolio.batch.flow import score
from portfolio.batch.join import Summary
from portfolio.batch.model import open_model
from portfolio.batch.plan import Order, plan
from portfolio.batch.progress import shown
from portfolio.errors import BundleError, ConfigError, DataError, ModelNotAvailable
from portfolio.spec import ModelSpec, Response

Score = Callable[..., Summary]
GOOD = b"pieces,weight,colour\n3,2.5,red\n"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_bytes(GOOD)
    return tmp_path / "rows.csv"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"weight,note\n1,2\n", r"lacks the column\(s\) pieces, colour"),
        (b"pieces;weight;colour\n1;2;red\n", r"lacks the column\(s\) pieces, colour; it has pieces;weight;colour"),
        (b"pieces,colour,id,id\n1,red,1,2\n", r"has more than once the column\(s\) id"),
        (b"pieces,colour,mood\n1,red,calm\n", r"already has, as answers are named, the column\(s\) mood"),
        (GOOD.decode().encode("utf-16"), "can't be read as CSV"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "can't be read as CSV"),
        (b'pieces,colour\n1,"red\n1,blue\n', "a quote after byte 14 is never closed"),
    ],
    ids=["empty", "columns lack", "semicolons", "a column twice", "an answer", "UTF-16", "a picture", "an open quote"],
)
def test_a_csv_file_that_can_not_be_meant(content: bytes, what: str, run: Score, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        run(tmp_path / "rows.csv", "scores.csv")
    assert caught.value.remedy
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize(
    ("column", "values", "what"),
    [
        ("pieces", ["3"], "pieces is string, and must be a number"),
        ("pieces", [True], "pieces is bool, and must be a number"),
        ("colour", [1], "colour is int64, and must be text"),
    ],
)
def test_a_parquet_column_of_another_type(
    column: str, values: list[object], what: str, run: Score, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"pieces": [3], "colour": ["red"]} | {column: values}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=what):
        run(tmp_path / "rows.parquet", "scores.csv")


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv.gz"])
def test_a_file_that_is_not_what_its_name_says(name: str, run: Score, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(GOOD)
    with pytest.raises(DataError, match=r"can't be (read as Parquet|decompressed)"):
        run(tmp_path / name, "scores.csv")


def test_parquet_files_of_different_types(run: Score, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, number in (("a", pa.int8()), ("b", pa.int64())):
        table = pa.table({"pieces": pa.array([3], number), "colour": ["red"]})
        pq.write_table(table, tmp_path / "in" / f"{name}.parquet")
    with pytest.raises(DataError, match=r"b.parquet: pieces has another type than in .*a.parquet"):
        run(tmp_path / "in", "scores.csv")


def test_files_of_a_folder_with_different_columns(run: Score, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "sums.csv").write_bytes(b"pieces,weight,colour,id\n3,2.5,red,1\n")
    with pytest.raises(DataError, match=r"sums.csv differs from .*rows.csv in the column\(s\) id"):
        run(f"{tmp_path}/*.csv", "scores.parquet")


def test_files_of_several_formats(run: Score, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    with pytest.raises(DataError, match="several formats"):
        run(f"{tmp_path}/rows.*", "scores.parquet")


@pytest.mark.parametrize("source", ["nowhere.csv", "*.csv", "empty", "text.txt"])
def test_no_input_at_all(source: str, run: Score, tmp_path: Path) -> None:
    (tmp_path / "text.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no file to score"):
        run(tmp_path / source, "scores.csv")


def test_an_output_that_is_there_is_kept_unless_it_may_go(run: Score, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("precious")
    with pytest.raises(DataError, match="is already there") as caught:
        run(rows, "scores.csv")
    assert "--overwrite" in caught.value.remedy
    assert (tmp_path / "scores.csv").read_text() == "precious"
    run(rows, "scores.csv", overwrite=True)
    assert (tmp_path / "scores.csv").read_text() != "precious"


def test_an_output_that_is_replaced_stays_until_the_new_one_is_whole(run: Score, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("precious")
    (tmp_path / "rows.csv").write_bytes(GOOD * 2 + b'1,"')
    with pytest.raises(DataError, match="never closed"):
        run(tmp_path / "rows.csv", "scores.csv", overwrite=True)
    assert (tmp_path / "scores.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("rows.csv", "is among the input files"),
        ("nowhere/scores.csv", "There is no folder"),
        ("scores.xlsx", "is no known kind of file"),
        ("scores.csv.gz", "is no known kind of file"),
    ],
)
def test_an_output_that_can_not_be_meant(output: str, what: str, run: Score, rows: Path) -> None:
    with pytest.raises(DataError, match=what):
        run(rows, output, overwrite=True)
    assert rows.read_bytes() == GOOD


def test_an_output_in_the_folder_of_the_input_would_be_an_input_next_time(
    run: Score, rows: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="is among the input files"):
        run(tmp_path, "scores.csv")


def test_without_a_model_nothing_is_scored(run: Score, rows: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotAvailable, match="make train PROJECT=toylate"):
        run(rows, "scores.csv", spec=project(LATE, tmp_path / "toylate"))


def test_the_cached_champion_scores_as_it_serves_and_a_named_bundle_instead_of_it(
    late: ModelSpec, run: Score, rows: Path, tmp_path: Path
) -> None:
    placed = project(LATE, tmp_path / "toylate")
    (placed.root / "models").mkdir()
    go_live(write_bundle(placed, placed.root / "cache" / "v2", seed=1), model_version="12")
    assert run(rows, "cached.csv", spec=placed).job.model_version == "12"
    assert run(rows, "named.csv", spec=placed, bundle=late.root / "models" / "v1").job.model_version == "v1"


def test_an_altered_bundle_is_refused(run: Score, rows: Path, tmp_path: Path) -> None:
    bundle = write_bundle(LATE, tmp_path / "v1")
    (bundle / "booster.txt").write_text("other")
    with pytest.raises(BundleError, match=r"not as it was signed: booster.txt"):
        run(rows, "scores.csv", bundle=bundle)


def test_a_bundle_that_nobody_signed_is_refused(run: Score, rows: Path, tmp_path: Path) -> None:
    bundle = write_candidate(LATE, tmp_path / "v1")
    with pytest.raises(BundleError, match="is not signed"):
        run(rows, "scores.csv", bundle=bundle)


def test_a_bundle_that_is_exchanged_after_the_plan_is_refused_by_the_processes(
    late: ModelSpec, rows: Path, tmp_path: Path
) -> None:
    bundle = write_bundle(late, tmp_path / "v1")
    job = plan(Order(spec=late, source=str(rows), output=tmp_path / "scores.csv", bundle=bundle))
    shutil.rmtree(bundle)
    write_bundle(late, bundle, seed=5)
    with pytest.raises(BundleError, match=r"not as it was registered: bundle.json"):
        open_model(job)


def test_a_second_run_to_the_same_output_is_refused(late: ModelSpec, rows: Path, tmp_path: Path) -> None:
    order = Order(spec=late, source=str(rows), output=tmp_path / "scores.csv")

    def engine(job: object, parts: object) -> object:
        with shown() as watch:
            score(order, lambda *_: iter(()), watch)
        return ()

    with pytest.raises(DataError, match="Another run writes to"), shown() as watch:
        score(order, engine, watch)  # type: ignore[arg-type]


def test_an_answer_that_no_column_can_hold_is_a_fault_of_the_project() -> None:
    class Nested(Response):
        reasons: list[str]

    with pytest.raises(ConfigError, match=r"Nested.reasons is list\[str\]"):
        answer_schema(Nested)
