"""Labels are brought, told of, taken out and removed as their runbook says."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from fastapi.testclient import TestClient
from stores import prediction, ship

from portfolio.serving import create_app
from portfolio.settings import Settings
from portfolio.spec.projects import find_project
from tests.copies import ROOT
from tests.runbooks import RUNBOOKS, commands

PAGE = "labels.md"
HEADER = "prediction_id,true_label,label_timestamp,label_source\n"
NOW = datetime.now(UTC)
ROWS = [
    prediction(
        number, at=NOW - timedelta(days=number), project="bankchurn", features={"Age": 40.0, "Geography": "Spain"}
    )
    for number in (0, 1, 2, 200, 400)
]
IDS = [row.prediction_id for row in ROWS]


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository of its own with five predictions in its store: two of them old, one older than is kept."""
    (tmp_path / "Procfile").touch()
    (tmp_path / "monitoring" / "labels").mkdir(parents=True)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store/portfolio.db")
    monkeypatch.setenv("ADMIN_KEY", "key")
    monkeypatch.setenv("NO_COLOR", "1")
    ship(ROWS, Settings())
    return tmp_path


def run(command: str, ends: int = 0) -> str:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == ends, done.stdout + done.stderr
    return re.sub(r"[ \t]+", " ", done.stdout)


def written(*rows: str) -> None:
    Path("new_labels.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))


def typed(beginning: str) -> str:
    return commands(PAGE, beginning)[0]


def test_a_file_is_imported_and_a_conflict_resolved() -> None:
    written(f"{IDS[0]},1,,", f"{IDS[1]},0,,")
    assert "recorded 2" in run(typed(".venv/bin/portfolio labels import new_labels"))
    assert "repeated 2" in run(typed(".venv/bin/portfolio labels import new_labels"))
    written(f"{IDS[0]},0,,", "x,0,,", f"{IDS[2]},2,,")
    shown = run(typed(".venv/bin/portfolio labels import new_labels"), ends=3)
    assert "line 2: conflict: 1 was recorded" in shown
    assert "line 3: refused: prediction_id must be the id of a prediction" in shown
    assert "line 4: refused: true_label must be 0 or 1 for bankchurn" in shown
    assert "all are listed in new_labels.rejected.csv" in shown
    shown = run(typed(".venv/bin/portfolio labels import new_labels.csv --on-conflict"), ends=3)
    assert "replaced 1" in shown


def test_an_error_is_no_refused_row() -> None:
    run(".venv/bin/portfolio labels import nowhere.csv", ends=1)
    run(".venv/bin/portfolio labels import --on-conflict drop", ends=64)
    run(".venv/bin/portfolio labels import --on-conflict replace", ends=64)


@pytest.mark.parametrize(
    "command",
    ["export bankchurn --days 1000000", "export bankchurn --days nan", "store prune --days 1000000"],
)
def test_days_before_the_calendar_are_a_mistyped_command(command: str) -> None:
    run(f".venv/bin/portfolio {command}", ends=64)


def test_what_is_appended_to_the_inbox_is_read() -> None:
    assert "No label was there" in run(".venv/bin/portfolio labels import")
    written(f"{IDS[0]},1,,")
    run(typed("cat new_labels.csv >>"))
    written(f"{IDS[1]},1,,")
    run(typed("cat new_labels.csv >>"))
    assert "recorded 2" in run(".venv/bin/portfolio labels import")


def test_the_http_command_is_understood_by_the_api(repository: Path) -> None:
    command = typed("curl -s")
    body = json.loads(re.search(r"-d '([^']+)'", command)[1].replace("PREDICTION", IDS[0]))  # type: ignore[index]
    assert command.endswith("http://localhost:8001/labels")
    with TestClient(create_app(find_project("bankchurn"))) as client:
        assert client.post("/labels", json=body).json()["counts"] == {"recorded": 1}


def test_the_store_tells_exports_and_prunes() -> None:
    written(f"{IDS[0]},1,,crm")
    run(typed(".venv/bin/portfolio labels import new_labels"))
    shown = run(typed(".venv/bin/portfolio store s"))
    assert re.search(r"bankchurn 5 \S+ \S+ \S+ \S+ 1 20\.0%", shown)
    assert "the store takes" in shown

    assert "3 predictions of the last 30 days are in bankchurn-" in run(typed(".venv/bin/portfolio export bankchurn"))
    assert len(list(Path.cwd().glob("bankchurn-*.parquet"))) == 1
    run(".venv/bin/portfolio store export bankchurn --output new.csv")
    with Path("new.csv").open() as lines:
        assert [row["Age"] for row in csv.DictReader(lines)] == ["40.0"] * 3
    assert "no file was written" in run(".venv/bin/portfolio export carvision")

    assert "predictions 1" in run(typed(".venv/bin/portfolio store prune --dry"))
    assert "predictions 2" in run(typed(".venv/bin/portfolio store prune --days"))
    assert "bankchurn 3 " in run(".venv/bin/portfolio store stats")


def test_the_backlog_is_what_the_api_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with metrics(b"# TYPE journal_bytes gauge\njournal_bytes 2.4e+06\njournal_max_bytes 1e+09\n") as address:
        silent = "http://127.0.0.1:9"
        addresses = {"bankchurn": address, "carvision": silent, "telecomai": silent}
        monkeypatch.setenv("API_ADDRESSES", json.dumps(addresses))
        shown = run(typed(".venv/bin/portfolio store s"))
    assert re.search(r"bankchurn 5 .* 2\.4 MB ?$", shown, re.MULTILINE)
    assert re.search(r"carvision 0 .* 0 - ?$", shown, re.MULTILINE)


@contextmanager
def metrics(text: bytes) -> Iterator[str]:
    """An API of which only the metrics are asked."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_containers_import_look_export_and_prune_in_their_shared_folder(repository: Path) -> None:
    """The same commands as their runbook has them, without containers."""
    trainer = yaml.safe_load((ROOT / "docker-compose.demo.yml").read_text())["services"]["trainer"]
    assert "./monitoring:/app/monitoring" in trainer["volumes"]
    page = (RUNBOOKS / "containers.md").read_text(encoding="utf-8")
    typed = re.findall(r"^docker compose .* trainer (portfolio (?:labels|store|export) .+)$", page, re.MULTILINE)
    assert len(typed) == 4
    written(f"{IDS[0]},1,,crm")
    Path("new_labels.csv").rename("monitoring/labels/new_labels.csv")
    (repository / "monitoring" / "exports").mkdir()
    shown = [run(f".venv/bin/{command}") for command in typed]
    assert "recorded 1" in shown[0]
    assert "bankchurn 5 " in shown[1]
    assert [file.name for file in Path("monitoring/exports").iterdir()] == ["bankchurn.parquet"]
    assert "predictions 1" in shown[3]


def test_every_outcome_is_explained() -> None:
    from typing import get_args

    from portfolio.store import LabelOutcome

    page = (RUNBOOKS / PAGE).read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) >= set(get_args(LabelOutcome))
