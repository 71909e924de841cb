"""`portfolio monitor` as it is typed: its exit codes, what it prints, and the reports that it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from monitored import POLICY, Desk, shuffled, with_store
from runs import run, table
from services import TESTS, installed

from portfolio.errors import ConfigError
from portfolio.monitoring import report
from portfolio.monitoring.command import run_monitoring
from portfolio.monitoring.report import write_report
from portfolio.monitoring.traffic import Span, read
from portfolio.store import runs

BIN = Path(sys.executable).parent
SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The toy in a repository of its own, installed and trained."""
    repository = tmp_path_factory.mktemp("repository")
    (repository / "Procfile").touch()
    spec = installed(repository / "toylate")
    (spec.root / "models" / "current").unlink()
    (spec.root / "data" / "raw").mkdir(parents=True)
    table().to_csv(spec.root / "data" / "raw" / "orders.csv", index=False)
    run(spec)
    return with_store(Desk(spec, None), repository)  # type: ignore[arg-type]


@pytest.fixture
def late(trained: Desk, tmp_path: Path) -> Desk:
    return with_store(trained, tmp_path)


def type_in(desk: Desk, *command: str | Path) -> subprocess.CompletedProcess[str]:
    settings = {"DATABASE_URL": desk.settings.database_url, "MLFLOW_TRACKING_URI": "", "NO_COLOR": "1"}
    path = {"PYTHONPATH": os.pathsep.join([str(desk.spec.root / "src"), str(TESTS)])}
    return subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=desk.spec.root.parent,
        env=os.environ | settings | path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def reports(desk: Desk) -> Path:
    return desk.spec.root.parent / "monitoring" / "reports" / "drift_reports"


def test_traffic_as_usual_ends_with_0_and_leaves_its_reports(late: Desk) -> None:
    made, truth = late.served(600, at=datetime.now(UTC))
    inbox = late.spec.root.parent / "monitoring" / "labels" / "labels.csv"
    inbox.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{row.prediction_id},{label}" for row, label in zip(made, truth["late"], strict=True)]
    inbox.write_text("\n".join(["prediction_id,true_label", *lines, ""]))
    done = type_in(late, "portfolio", "monitor", "toylate", "--days", "7")
    inbox.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "toylate: ok" in done.stdout
    assert "600 predictions, 600 labelled" in done.stdout
    assert "performance: ok, from 600 labels (100% of this version's predictions)" in done.stdout
    assert "estimated without labels (CBPE):" in done.stdout
    (stored,) = runs(late.settings)
    page = reports(late) / stored.report
    assert str(page) in done.stdout
    assert "<html" in page.read_text(encoding="utf-8")[:2000].lower()
    names = {
        metric["metric_name"].split("(")[0]
        for metric in orjson.loads(page.with_suffix(".json").read_bytes())["metrics"]
    }
    assert "ValueDrift" in names
    told = {"decision": stored.decision, "reasons": list(stored.reasons), **stored.findings}
    assert orjson.loads(page.with_suffix(".findings.json").read_bytes()) == told


def test_a_model_to_act_on_ends_with_2_by_either_name(late: Desk) -> None:
    made, truth = late.served(600, at=datetime.now(UTC))
    late.told(made, shuffled(truth["late"]))
    done = type_in(late, "python", SCRIPTS / "check_drift.py", "--model", "toylate", "--days", "7")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "toylate: retrain\n  f1 " in done.stdout


def test_what_can_not_be_judged_ends_with_3_and_says_why(late: Desk) -> None:
    done = type_in(late, "portfolio", "monitor", "toylate")
    assert done.returncode == 3
    assert "toylate: unknown\n  No prediction of the last 7 days can be judged." in done.stdout


def test_something_to_watch_ends_with_1(late: Desk) -> None:
    made, truth = late.served(1500, at=datetime.now(UTC), change=lambda asked: asked.assign(colour="red"))
    late.told(made, truth["late"])  # the colour says nothing about the truth
    done = type_in(late, "portfolio", "monitor", "toylate")
    assert done.returncode == 1, done.stdout
    assert "toylate: watch\n  colour: PSI" in done.stdout


@pytest.mark.parametrize("command", [("portfolio", "monitor"), ("python", SCRIPTS / "check_drift.py")])
def test_a_line_that_can_not_be_understood_ends_with_64(late: Desk, command: tuple[str | Path, ...]) -> None:
    assert type_in(late, *command, "--dayz", "7").returncode == 64


@pytest.mark.parametrize("days", ["inf", "1e9", "0"])
def test_days_that_nobody_can_mean_end_with_64(late: Desk, days: str) -> None:
    done = type_in(late, "portfolio", "monitor", "toylate", "--days", days)
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


def test_days_that_are_no_number_are_refused_in_a_sentence(late: Desk) -> None:
    with pytest.raises(ConfigError, match="days can't be looked at"):
        run_monitoring([late.spec], days=float("nan"))


def test_a_python_without_the_portfolio_could_not_judge_and_says_how_to(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-E", SCRIPTS / "check_drift.py", "--model", "toylate"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "Run it as .venv/bin/python" in done.stderr


def test_one_prediction_of_a_yes_or_no_model_is_not_taken_for_an_amount(late: Desk) -> None:
    late.served(1, at=datetime.now(UTC))
    done = type_in(late, "portfolio", "monitor", "toylate")
    assert done.returncode == 3
    assert "amounts" not in done.stdout


def test_a_project_without_a_model_ends_with_3_and_a_remedy(late: Desk) -> None:
    current = late.spec.root / "models" / "current"
    kept = current.read_bytes()
    current.unlink()
    try:
        done = type_in(late, "portfolio", "monitor", "toylate")
    finally:
        current.write_bytes(kept)
    assert done.returncode == 3
    assert "make train PROJECT=toylate" in done.stderr


def test_a_store_out_of_reach_ends_with_3(late: Desk) -> None:
    Path(late.settings.database_url.removeprefix("sqlite:///")).unlink()
    done = type_in(late, "portfolio", "monitor", "toylate")
    assert done.returncode == 3
    assert "There is no store" in done.stderr


def test_old_reports_make_room_for_new_ones(late: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_live: object, _traffic: object, _policy: object, *files: Path) -> None:
        for file in files:
            file.touch()

    monkeypatch.setattr(report, "_write_evidently", write)
    now, live, run = datetime.now(UTC), late.live, late.run()
    traffic = read(live, Span(now.replace(year=now.year - 1), now), late.settings)
    (tmp_path / "another-20200101T000000.000000Z.html").touch()
    names = [
        write_report(tmp_path, live, traffic, replace(run, until=now.replace(microsecond=part)), POLICY)
        for part in range(53)
    ]
    assert len(list(tmp_path.glob("toylate-*"))) == 150
    assert not (tmp_path / names[0]).exists()
    assert (tmp_path / names[-1]).exists()
    assert (tmp_path / "another-20200101T000000.000000Z.html").exists()
