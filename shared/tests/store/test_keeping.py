"""What is removed, taken out and counted, in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyarrow import parquet
from stores import BEGIN, LINE, RUN, prediction, predictions, ship
from toys import LATE

from portfolio.errors import ConfigError
from portfolio.settings import Settings
from portfolio.store import Label, add_run, append, deployments, join, runs, summary
from portfolio.store.exporting import Export, export
from portfolio.store.pruning import Pruned, prune, thin_runs
from portfolio.store.stock import stock

DAY = timedelta(days=1)
NEVER = BEGIN + 3650 * DAY
EDGE = BEGIN + 10 * DAY
OTHER = "11111111-0000-7000-8000-000000000000"


def filled(settings: Settings) -> None:
    """Ten old and five new predictions of a project, one of another; two old labels, one new, one aside; two runs."""
    old = predictions(10)
    new = [prediction(n, at=EDGE + n * timedelta(hours=1)) for n in range(5)]
    ship([*old, *new, prediction(99, project="toycost")], settings)
    told = [Label(row.prediction_id, 1, row.at + DAY, "Grüße") for row in (*old[:2], new[0])]
    join([*told, Label(OTHER, 1, BEGIN)], settings, lambda *_: "")
    add_run(RUN, settings)
    add_run(replace(RUN, at=EDGE), settings)


def test_what_is_too_old_is_removed_with_its_labels_and_the_rest_stays(settings: Settings) -> None:
    filled(settings)
    assert prune(settings, before=EDGE, dry_run=True) == Pruned(predictions=11, labels=2, aside=0, runs=1)
    assert prune(settings, before=EDGE) == Pruned(predictions=11, labels=2, aside=0, runs=1)
    assert prune(settings, before=EDGE) == Pruned(0, 0, 0, 0)
    left = summary("toylate", settings, now=EDGE)
    assert (left.total.number, left.labels, len(runs(settings))) == (5, 1, 1)
    assert prune(settings, before=NEVER) == Pruned(predictions=5, labels=1, aside=1, runs=1)
    assert stock(settings).holdings == ()


def test_one_projects_past_is_removed_alone(settings: Settings) -> None:
    filled(settings)
    assert prune(settings, before=NEVER, project="toycost") == Pruned(1, 0, 0, 0)
    assert summary("toylate", settings, now=EDGE).total.number == 15


def test_of_old_runs_the_first_of_each_day_and_each_change_of_mind_stay(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portfolio.store.pruning.PART", 2)
    morning = BEGIN.replace(hour=1)
    for day in range(2):
        for hour, decision in enumerate(("ok", "ok", "watch", "watch", "watch", "ok", "ok")):
            add_run(replace(RUN, at=morning + day * DAY + timedelta(hours=hour), decision=decision), settings)
    add_run(replace(RUN, at=morning + timedelta(hours=1), decision="ok", project="toycost"), settings)
    assert thin_runs(settings, before=morning + DAY + timedelta(hours=4)) == 6
    left = [(run.at.day - morning.day, run.at.hour, run.decision) for run in runs(settings, project="toylate")]
    first, second = [(0, 1, "ok"), (0, 3, "watch"), (0, 6, "ok")], [(1, 1, "ok"), (1, 3, "watch")]
    assert left[::-1] == [*first, *second, (1, 5, "watch"), (1, 6, "ok"), (1, 7, "ok")]
    assert len(runs(settings, project="toycost")) == 1


def test_the_audit_is_never_removed(settings: Settings) -> None:
    append(LINE, settings)
    prune(settings, before=NEVER)
    assert deployments(settings) == (LINE,)


def test_more_than_one_part_is_removed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(settings)
    monkeypatch.setattr("portfolio.store.pruning.PART", 5)
    assert prune(settings, before=EDGE) == Pruned(predictions=11, labels=2, aside=0, runs=1)


def test_the_store_tells_what_it_holds(settings: Settings) -> None:
    filled(settings)
    held = stock(settings)
    cost, late = held.holdings
    assert (cost.project, cost.rows) == ("toycost", 1)
    assert (late.rows, late.labels, late.aside) == (15, 3, 0)
    assert (late.first, late.last) == (BEGIN, EDGE + timedelta(hours=4))
    assert held.unknown == 1
    assert held.size > 10_000


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_has_a_row_for_each_prediction_with_its_features_and_its_label(
    settings: Settings, tmp_path: Path, kind: str
) -> None:
    filled(settings)
    file = tmp_path / f"out.{kind}"
    file.write_text("of before")
    assert export(Export(LATE, BEGIN, EDGE, file), settings) == 10
    if kind == "csv":
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        assert (rows[0]["label_timestamp"], rows[1]["weight"]) == ("2026-01-03T03:04:05.678901+00:00", "")
    else:
        rows = parquet.read_table(file).to_pylist()
        assert (rows[0]["at"], rows[0]["label_timestamp"], rows[1]["weight"]) == (BEGIN, BEGIN + DAY, None)
    assert [row["prediction_id"] for row in rows] == [row.prediction_id for row in predictions(10)]
    assert (float(rows[1]["pieces"]), rows[1]["note"], rows[1]["label_source"]) == (2, "Grüße", "Grüße")
    assert {row["true_label"] for row in rows[2:]} <= {"", None}
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize(("field", "value", "kind"), [("weight", "heavy", "a number"), ("colour", 7, "a text")])
def test_a_field_that_was_of_another_kind_goes_into_csv_alone(
    settings: Settings, tmp_path: Path, field: str, value: object, kind: str
) -> None:
    row = prediction(0)
    ship([replace(row, features={**row.features, field: value}), *predictions(3)[1:]], settings)
    with pytest.raises(ConfigError, match=f"{field} is {kind} now") as caught:
        export(Export(LATE, BEGIN, EDGE, tmp_path / "out.parquet"), settings)
    assert ".csv" in caught.value.remedy
    assert list(tmp_path.glob("*out*")) == []
    assert export(Export(LATE, BEGIN, EDGE, tmp_path / "out.csv"), settings) == 3


def test_an_export_of_nothing_leaves_no_file(settings: Settings, tmp_path: Path) -> None:
    filled(settings)
    assert export(Export(LATE, NEVER, NEVER + DAY, tmp_path / "out.csv"), settings) == 0
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(ConfigError, match=r"neither \.parquet nor \.csv"):
        export(Export(LATE, BEGIN, EDGE, tmp_path / "out.xlsx"), settings)


def test_a_large_export_fits_into_little_memory(settings: Settings, tmp_path: Path) -> None:
    """20,000 rows take 40 MB when they are read at once."""
    ship(predictions(20_000), settings)
    program = f"""
import resource
from datetime import timedelta
from pathlib import Path
from stores import BEGIN
from toys import LATE
from portfolio.settings import Settings
from portfolio.store.exporting import Export, export
settings = Settings(database_url={settings.database_url!r})
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
few = Export(LATE, BEGIN, BEGIN + timedelta(seconds=5_000), Path({str(tmp_path / "few.csv")!r}))
assert export(few, settings) == 5_000
before = most()
assert export(Export(LATE, BEGIN, BEGIN + timedelta(days=9), Path({str(tmp_path / "all.csv")!r})), settings) == 20_000
print(most() - before)
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert float(shown.stdout) < 10
