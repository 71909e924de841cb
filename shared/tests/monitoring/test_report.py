"""A run's report: it is for people, and never keeps a run from being stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path

import orjson
import pandas as pd
import pytest
from monitored import AT, POLICY, Desk, desk, shuffled, with_store
from toys import LATE

from portfolio.monitoring import report
from portfolio.monitoring.report import write_report
from portfolio.monitoring.traffic import Span, read
from portfolio.settings import Settings
from portfolio.store import runs


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk(LATE, tmp_path_factory.mktemp("late"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reports"


@pytest.fixture
def late(trained: Desk, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(Settings, "drift_reports", folder)
    return with_store(trained, tmp_path)


def gone(column: str, table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{column: None})


def test_a_column_that_went_missing_altogether_is_decided_by_and_left_out_of_the_page(late: Desk, folder: Path) -> None:
    late.served(300, change=lambda table: gone("weight", table))
    run = late.run()
    assert run.decision == "retrain"
    assert runs(late.settings) == (run,)
    metrics = orjson.loads((folder / run.report).with_suffix(".json").read_bytes())["metrics"]
    shown = {metric["config"].get("column") for metric in metrics}
    assert "pieces" in shown
    assert "weight" not in shown


def test_one_prediction_has_a_page_too(late: Desk, folder: Path) -> None:
    late.served(1)
    run = late.run()
    assert run.decision == "unknown"
    assert (folder / run.report).is_file()


def test_page_and_file_say_what_was_decided_and_why(late: Desk, folder: Path) -> None:
    made, truth = late.served(600, change=lambda table: table.assign(weight=table["weight"] * 2 + 5))
    late.told(made, shuffled(truth["late"]))
    run = late.run()
    page = (folder / run.report).read_text(encoding="utf-8")
    head = page[: page.index("the decision is made by what stands above")]
    told = ["<h1>toylate: retrain</h1>", run.bundle, "<td>weight</td>", "<td>act</td>", "by labels: act", "<td>f1</td>"]
    for part in (*told, *(escape(reason) for reason in run.reasons)):
        assert part in head
    found = orjson.loads((folder / run.report).with_suffix(".findings.json").read_bytes())
    assert (found["decision"], tuple(found["reasons"])) == (run.decision, run.reasons)
    metrics = orjson.loads((folder / run.report).with_suffix(".json").read_bytes())["metrics"]
    drift = [metric["config"] for metric in metrics if "ValueDrift" in metric["metric_name"]]
    assert {(each["method"], each["threshold"]) for each in drift} == {("psi", 0.1)}


def test_a_folder_that_can_not_be_written_costs_the_page_and_not_the_decision(late: Desk, folder: Path) -> None:
    folder.write_text("no folder")
    late.served(300)
    run = late.run()
    assert (run.decision, run.report) == ("ok", "")
    assert run.reasons[-1].startswith("The report could not be written: ")
    assert runs(late.settings) == (run,)


def test_what_is_left_of_a_run_without_a_page_makes_room_too(
    late: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_write_evidently", lambda *given: [file.touch() for file in given[3:]])
    folder.mkdir()
    orphan = folder / "toylate-20200101T000000.000000Z.findings.json"
    orphan.touch()
    live, run = late.live, late.run()
    traffic = read(live, Span(AT - timedelta(days=1), AT), late.settings)
    for part in range(50):
        write_report(folder, live, traffic, replace(run, until=AT.replace(microsecond=part)), POLICY)
    assert not orphan.exists()
    assert len(list(folder.iterdir())) == 150
