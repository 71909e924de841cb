"""The index links the reports, and /reports serves them and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from oversight import NOON, Watch, a_run

from portfolio import store


@pytest.fixture
def reports(watch: Watch) -> Path:
    folder = watch.settings.drift_reports
    folder.mkdir(parents=True)
    (folder / "toylate-1.html").write_text("<script>draw()</script>")
    (folder / "toylate-1.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    (folder.parent / "secret.html").write_text("secret")
    (folder / "link.html").symlink_to(folder.parent / "secret.html")
    return folder


def test_the_index_has_every_project_with_its_runs_newest_first(watch: Watch, reports: Path) -> None:
    (reports / "toylate-2.html").touch()
    store.add_run(a_run(at=NOON, report="toylate-1.html"), watch.settings)
    store.add_run(a_run(at=NOON + timedelta(hours=1), decision="roll back", report="toylate-2.html"), watch.settings)
    page = watch.client.get("/").text
    assert page.index("/reports/toylate-2.html") < page.index("/reports/toylate-1.html")
    assert "2026-03-01 13:00 UTC" in page
    assert "roll back" in page
    assert "not looked at yet" in page  # toycost
    assert "<script" not in page


def test_the_index_says_how_old_the_last_run_is_and_what_failed(watch: Watch) -> None:
    store.add_run(a_run(at=datetime.now(UTC) - timedelta(minutes=42)), watch.settings)
    watch.service.rounds.failed["toycost"] = 3
    page = watch.client.get("/").text
    assert "last run 42 minutes ago" in page
    assert "no run yet · " in page
    assert "3 failed since the service started" in page
    assert page.count("failed since") == 1


def test_a_report_that_is_gone_is_not_linked(watch: Watch, reports: Path) -> None:
    for name in ("toylate-1.html", "toylate-gone.html"):
        store.add_run(a_run(report=name), watch.settings)
    assert "gone" not in watch.client.get("/").text
    assert [run["report_url"] for run in watch.json("/runs")["runs"]] == ["", "/reports/toylate-1.html"]


def test_what_a_run_says_is_escaped(watch: Watch) -> None:
    store.add_run(a_run(reasons=("<img src=x onerror=alert(1)>",)), watch.settings)
    assert "<img" not in watch.client.get("/").text


def test_a_report_is_served_in_a_sandbox(watch: Watch, reports: Path) -> None:
    answer = watch.client.get("/reports/toylate-1.html")
    assert answer.text == "<script>draw()</script>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert watch.client.get("/reports/toylate-1.json").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "name",
    ["nothing.html", "notes.txt", "link.html", "..%2Fsecret.html", "%2e%2e%2fsecret.html", ".html", "a%00.html"],
)
def test_nothing_else_is_served(watch: Watch, reports: Path, name: str) -> None:
    answer = watch.client.get(f"/reports/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace(answer.json()["instance"], "")
