"""What runs found is served flat, with units in names and times in ISO 8601."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from oversight import NOON, PROJECTS, REAL, Watch, a_run, asking, assembled

from portfolio import store
from portfolio.settings import Settings
from portfolio.watch import found
from portfolio.watch.found import Last


def test_runs_come_newest_first_with_what_drifted(watch: Watch) -> None:
    watch.settings.drift_reports.mkdir(parents=True)
    (watch.settings.drift_reports / "toylate-20260301T120000Z.html").touch()
    store.add_run(a_run(at=NOON), watch.settings)
    store.add_run(a_run(at=NOON + timedelta(hours=1), decision="ok", report=""), watch.settings)
    newest, older = watch.json("/runs")["runs"]
    assert (newest["decision"], newest["report_url"]) == ("ok", "")
    assert older["at"] == "2026-03-01T12:00:00Z"
    assert (older["drifted_features"], older["drifted_share"]) == (["distance"], 0.5)
    assert older["report_url"] == "/reports/toylate-20260301T120000Z.html"
    assert (older["predictions"], older["run_seconds"]) == (1000, 8.5)


def test_runs_of_one_project_leave_out_the_others(watch: Watch) -> None:
    for name in PROJECTS:
        store.add_run(a_run(name), watch.settings)
    assert [run["project"] for run in watch.json("/runs?project=toycost")["runs"]] == ["toycost"]
    assert len(watch.json("/runs?limit=1")["runs"]) == 1


def test_drift_is_that_of_the_last_run_that_found_any_with_its_bins(watch: Watch) -> None:
    store.add_run(a_run(at=NOON), watch.settings)
    store.add_run(a_run(at=NOON + timedelta(hours=1), decision="unknown", findings={}), watch.settings)
    said = watch.json("/drift?project=toylate")
    assert said["at"] == "2026-03-01T12:00:00Z"
    assert [(each["feature"], each["psi"], each["state"]) for each in said["features"]] == [
        ("distance", 0.31, "act"),
        ("score", 0.05, "ok"),
    ]
    assert said["features"][0]["bins"]["current"] == [0.2, 0.8]
    assert said["policy"]["psi"] == {"watch": 0.1, "act": 0.2}
    assert [(each["decision"], each["drifted_share"], each["score_psi"]) for each in said["history"]] == [
        ("retrain", 0.5, 0.05),
        ("unknown", None, None),
    ]


def test_performance_has_real_and_estimated_figures_with_bands_and_reference(watch: Watch) -> None:
    store.add_run(a_run(), watch.settings)
    said = watch.json("/performance?project=toylate")
    assert (said["labelled"], said["label_coverage"], said["label_delay_seconds"]) == (150, 0.15, 86400.0)
    assert {(p["kind"], p["metric"], p["value"], p["low"], p["high"], p["reference"]) for p in said["points"]} == {
        ("real", "f1", 0.6, 0.55, 0.65, 0.62),
        ("estimated", "roc_auc", 0.84, 0.82, 0.86, 0.86),
    }


def test_charts_read_from_the_oldest_to_the_newest(watch: Watch) -> None:
    for hour in range(3):
        store.add_run(a_run(at=NOON + timedelta(hours=hour)), watch.settings)
    points = watch.json("/performance?project=toylate")["points"]
    assert [point["at"] for point in points] == sorted(point["at"] for point in points)
    history = watch.json("/drift?project=toylate")["history"]
    assert [each["at"][11:13] for each in history] == ["12", "13", "14"]


@pytest.mark.parametrize("path", ["/drift", "/performance"])
def test_a_project_that_nobody_looked_at_is_empty_not_an_error(watch: Watch, path: str) -> None:
    assert watch.json(f"{path}?project=toycost")["project"] == "toycost"


@pytest.mark.parametrize("path", ["/drift", "/performance"])
def test_without_a_project_every_project_is_told_as_it_would_be_alone(watch: Watch, path: str) -> None:
    store.add_run(a_run(), watch.settings)
    assert watch.json(path) == {"projects": [watch.json(f"{path}?project={name}") for name in PROJECTS]}


@pytest.mark.parametrize("path", ["/runs", "/drift", "/performance", "/traffic"])
def test_an_unknown_project_is_a_404_that_names_those_there_are(watch: Watch, path: str) -> None:
    answer = watch.client.get(f"{path}?project=nobody")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["remedy"] == "Installed: toycost, toylate."


@pytest.mark.parametrize("query", ["/traffic", "/runs?limit=0", "/runs?limit=x", "/traffic?project=x&minutes=1e9"])
def test_a_wrong_parameter_is_a_problem_that_names_it_and_echoes_nothing(watch: Watch, query: str) -> None:
    answer = watch.client.get(query)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["field"] in ("project", "limit", "minutes")
    assert "1000000000" not in answer.text


def test_a_store_that_is_away_is_a_503_with_a_remedy(tmp_path: Path, settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/nowhere/portfolio.db"})
    answer = asking(assembled(away)).get("/runs")
    assert (answer.status_code, answer.json()["title"]) == (503, "Store not available")
    assert answer.json()["remedy"]


def test_metrics_tell_the_last_run_of_every_project(watch: Watch) -> None:
    store.add_run(a_run(at=NOON - timedelta(days=1), decision="ok"), watch.settings)
    store.add_run(a_run(), watch.settings)
    shown = watch.metrics()
    for line in (
        'model_prediction_drift{feature="distance",project="toylate"} 0.31',
        'monitoring_drifted_share{project="toylate"} 0.5',
        'monitoring_decision{decision="retrain",project="toylate"} 1.0',
        'monitoring_decision{decision="ok",project="toylate"} 0.0',
        'monitoring_performance{metric="f1",project="toylate"} 0.6',
        'monitoring_estimated{metric="roc_auc",project="toylate"} 0.84',
        'monitoring_reference{metric="f1",project="toylate"} 0.62',
        'monitoring_reference{metric="roc_auc",project="toylate"} 0.86',
        'monitoring_label_coverage{project="toylate"} 0.15',
        'monitoring_label_delay_seconds{project="toylate"} 86400.0',
        'monitoring_window_predictions{project="toylate"} 1000.0',
        'monitoring_run_seconds{project="toylate"} 8.5',
        f'monitoring_last_run_timestamp_seconds{{project="toylate"}} {NOON.timestamp() + 8.5}',
        'monitoring_last_run_timestamp_seconds{project="toycost"} 0.0',
        'monitoring_failed_runs_total{project="toycost"} 0.0',
        "monitoring_interval_seconds 300.0",
        "monitoring_patience_seconds 900.0",
    ):
        name = line.partition(" ")[0]
        [found_line] = [each for each in shown if each.startswith(f"{name} ")]
        assert float(found_line.rpartition(" ")[2]) == pytest.approx(float(line.rpartition(" ")[2]))


def test_what_a_run_did_not_find_is_not_shown_as_zero(watch: Watch) -> None:
    store.add_run(a_run(findings={"drift": [], "performance": None, "estimate": None}), watch.settings)
    shown = "\n".join(watch.metrics())
    assert 'monitoring_decision{decision="retrain",project="toylate"} 1.0' in shown
    for name in ("monitoring_performance", "monitoring_drifted_share", "monitoring_label_coverage"):
        assert f"{name}{{" not in shown


def test_label_coverage_is_that_of_the_window_and_zero_where_no_label_came(watch: Watch) -> None:
    labels = {"labelled": 800, "coverage": 0.8, "delay_seconds": 60.0}
    promoted = {"labels": labels, "performance": None}
    store.add_run(a_run(findings=promoted), watch.settings)
    none = {"labelled": 0, "coverage": 0.0, "delay_seconds": None}
    store.add_run(a_run("toycost", findings={"labels": none, "performance": None}), watch.settings)
    shown = watch.metrics()
    assert 'monitoring_label_coverage{project="toylate"} 0.8' in shown
    assert 'monitoring_label_delay_seconds{project="toylate"} 60.0' in shown
    assert 'monitoring_label_coverage{project="toycost"} 0.0' in shown
    assert not any(line.startswith("monitoring_label_delay_seconds") and "toycost" in line for line in shown)
    assert watch.json("/performance?project=toylate")["label_coverage"] == 0.8


def test_how_the_run_judged_the_labels_is_shown_as_one_state(watch: Watch) -> None:
    store.add_run(a_run(findings={"performance": REAL | {"state": "act"}}), watch.settings)
    store.add_run(a_run("toycost", findings={"performance": None}), watch.settings)
    states = {line for line in watch.metrics() if line.startswith("monitoring_performance_state{")}
    assert states == {
        f'monitoring_performance_state{{project="toylate",state="{each}"}} {float(each == "act")}'
        for each in ("ok", "watch", "act", "unknown")
    }


def test_a_run_by_hand_over_an_hour_is_listed_and_neither_health_nor_metrics(watch: Watch) -> None:
    store.add_run(a_run(), watch.settings)
    by_hand = a_run(since=NOON - timedelta(hours=1), decision="unknown", rows=3, findings={"drift": []})
    store.add_run(by_hand, watch.settings)
    assert [(run["days"], run["decision"]) for run in watch.json("/runs")["runs"]] == [
        (0.042, "unknown"),
        (7, "retrain"),
    ]
    assert watch.json("/health")["projects"][1]["decision"] == "retrain"
    assert 'monitoring_window_predictions{project="toylate"} 1000.0' in watch.metrics()
    assert len(watch.json("/drift?project=toylate")["history"]) == 1


def test_how_often_estimates_were_right_is_that_of_the_last_run_that_could_tell(watch: Watch) -> None:
    told = a_run(findings={"hit_rate": {"hits": 9, "of": 10}})
    store.add_run(told, watch.settings)
    store.add_run(a_run(at=NOON + timedelta(hours=1)), watch.settings)
    assert watch.json("/performance?project=toylate")["hit_rate"] == {"hits": 9, "of": 10}


def test_metrics_keep_the_last_runs_while_the_store_is_away(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = Last(PROJECTS, settings)
    store.add_run(a_run(), settings)
    assert last.runs()["toylate"].decision == "retrain"
    (tmp_path / "portfolio.db").rename(tmp_path / "elsewhere.db")
    monkeypatch.setattr(found, "FRESH_SECONDS", -1.0)
    assert last.runs()["toylate"].decision == "retrain"


def test_a_store_that_hangs_keeps_neither_health_nor_metrics_waiting(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    monkeypatch.setattr(found, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(store, "last_run", lambda *_, **__: answer.wait(10) and None)
    began = time.monotonic()
    assert watch.json("/health")["projects"][0]["last_run_at"] is None
    assert watch.metrics()
    assert time.monotonic() - began < 5
    answer.set()


def test_requests_to_the_service_itself_are_counted_by_route(watch: Watch) -> None:
    watch.client.get("/runs")
    watch.client.get("/reports/nothing.html")
    watch.client.get("/nowhere/at/all")
    shown = watch.metrics()
    assert 'http_requests_total{endpoint="/runs",method="GET",status="2xx"} 1.0' in shown
    assert 'http_requests_total{endpoint="/reports/{name}",method="GET",status="4xx"} 1.0' in shown
    assert 'http_requests_total{endpoint="unmatched",method="GET",status="4xx"} 1.0' in shown


def test_an_answer_carries_the_callers_request_id(watch: Watch) -> None:
    assert watch.client.get("/runs", headers={"X-Request-ID": "abc"}).headers["x-request-id"] == "abc"


def test_health_tells_when_each_project_was_looked_at(watch: Watch) -> None:
    store.add_run(a_run(), watch.settings)
    said = watch.json("/health")
    assert (said["status"], said["version"]) == ("healthy", "1.2.3")
    cost, late = said["projects"]
    assert (cost["last_run_at"], cost["last_run_age_seconds"], cost["decision"]) == (None, None, None)
    assert (late["last_run_at"], late["decision"], late["failed_runs"]) == ("2026-03-01T12:00:00Z", "retrain", 0)


def test_a_monitor_that_no_longer_looks_is_unhealthy(watch: Watch) -> None:
    watch.service.rounds.seconds = 0.0
    time.sleep(0.001)
    answer = watch.client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")


def test_a_body_that_is_too_large_is_not_taken_in(watch: Watch) -> None:
    answer = watch.client.post("/versions/toylate/promote", content=b'{"reason": "' + b"x" * 70_000 + b'"}')
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert answer.json()["detail"] == "The body is larger than 64 KB."


def test_what_nobody_foresaw_is_a_problem_that_names_the_request(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "runs", lambda *_, **__: 1 / 0)
    answer = watch.client.get("/runs", headers={"X-Request-ID": "abc"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "abc")
    assert "ZeroDivisionError" not in answer.text
    assert 'http_requests_total{endpoint="/runs",method="GET",status="5xx"} 1.0' in watch.metrics()
