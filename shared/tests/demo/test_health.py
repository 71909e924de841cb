"""The table says what services answer, and why one isn't healthy."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from portfolio.demo.errors import DemoError
from portfolio.demo.health import Report, ask, wait_for, wait_for_mlflow
from portfolio.demo.procfile import Service
from portfolio.demo.stack import Stack
from portfolio.demo.state import log_of
from portfolio.demo.table import show

HEALTH = {
    "status": "healthy",
    "version": "1.0.0",
    "model_loaded": True,
    "model_name": "bankchurn",
    "model_version": "3",
}
INFO = {
    "task": {"kind": "binary", "headline": "roc_auc"},
    "metrics": {
        "model": {"roc_auc": {"value": 0.86123, "low": 0.8456, "high": 0.8789}},
        "dummy": {"roc_auc": {"value": 0.5, "low": 0.5, "high": 0.5}},
    },
    "data": {"name": "Churn Modelling twin", "label": "Churn Modelling twin (synthetic sample)"},
}
HEALTHY = {"/health": (200, HEALTH), "/model/info": (200, INFO)}
NO_MODEL = {"/health": (503, HEALTH | {"status": "unhealthy", "model_version": None})}

Answering = Callable[[dict[str, Any]], int]


def bankchurn(port: int) -> Service:
    return Service("bankchurn", "sleep 60", port)


def test_a_healthy_api_is_reported_with_version_data_and_headline(answering: Answering) -> None:
    port = answering(HEALTHY)
    assert ask(bankchurn(port)) == Report(
        name="bankchurn",
        url=f"http://localhost:{port}",
        healthy=True,
        answers=True,
        version="3",
        data="Churn Modelling twin (synthetic sample)",
        headline="roc_auc 0.8612 [0.8456, 0.8789]",
    )


def test_mlflow_is_asked_for_its_version(answering: Answering) -> None:
    report = ask(Service("mlflow", "", answering({"/version": (200, "3.17.2")})))
    assert (report.healthy, report.version) == (True, "3.17.2")


def test_the_monitoring_service_is_reported_with_what_it_decided(answering: Answering) -> None:
    looked = [{"project": "bankchurn", "decision": "watch"}, {"project": "carvision", "decision": None}]
    health = {"status": "healthy", "version": "1.0.0", "projects": looked}
    report = ask(Service("monitoring", "", answering({"/health": (200, health)})))
    assert (report.healthy, report.version, report.headline) == (True, "1.0.0", "bankchurn watch")


def test_the_dashboard_is_asked_in_its_own_way(answering: Answering) -> None:
    port = answering({"/_stcore/health": (200, "ok")})
    assert ask(Service("dashboard", "", port)).healthy
    assert not ask(Service("bankchurn", "", port)).healthy


def test_a_container_is_asked_inside_and_shown_outside(answering: Answering) -> None:
    port = answering(HEALTHY)
    report = ask(Service("bankchurn-api", "", 8001, inside=f"http://127.0.0.1:{port}"))
    assert (report.healthy, report.url) == (True, "http://localhost:8001")


def test_an_api_without_a_model_answers_but_is_not_healthy(answering: Answering) -> None:
    report = ask(bankchurn(answering(NO_MODEL)))
    assert (report.healthy, report.answers, report.reason) == (False, True, "answers 503")


def test_nothing_at_the_port_is_a_report_and_no_error() -> None:
    assert ask(bankchurn(1)).reason == "does not answer"


def test_a_proxy_in_the_environment_is_not_asked(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(bankchurn(answering(HEALTHY))).healthy


def test_waiting_ends_when_all_are_healthy(stack: Stack, answering: Answering) -> None:
    [report] = wait_for(stack, [bankchurn(answering(HEALTHY))], modelless={})
    assert report.healthy


def test_waiting_ends_at_once_for_one_that_has_no_model_and_says_why(stack: Stack, answering: Answering) -> None:
    [report] = wait_for(stack, [bankchurn(answering(NO_MODEL))], modelless={"bankchurn": "the gate blocked it"})
    log = log_of(stack.root, "bankchurn")
    assert report.reason == f"answers 503; no model: the gate blocked it; log: {log}"


def test_waiting_ends_at_once_for_one_that_has_ended_and_quotes_its_last_words(stack: Stack) -> None:
    broken = replace(bankchurn(1), command="echo first; echo it broke; exit 7")
    stack.start([broken])
    [report] = wait_for(stack, [broken], modelless={})
    assert report.reason == f"ended with exit code 7: it broke; log: {log_of(stack.root, 'bankchurn')}"


def test_an_mlflow_that_does_not_come_up_stops_the_start(stack: Stack) -> None:
    stack.services = (Service("mlflow", "echo no such table; exit 1", 1),)
    stack.start(stack.services)
    with pytest.raises(DemoError, match=r"mlflow: ended with exit code 1: no such table; log: .*mlflow.log"):
        wait_for_mlflow(stack)


def test_the_table_shows_where_everything_is_and_calls_synthetic_data_synthetic(console: Console) -> None:
    reports = [
        Report("mlflow", "http://localhost:5000", healthy=True, answers=True, version="3.17.2"),
        Report(
            "bankchurn",
            "http://localhost:8001",
            healthy=True,
            answers=True,
            version="3",
            data="Churn Modelling twin (synthetic sample)",
            headline="roc_auc 0.8612 [0.8456, 0.8789]",
        ),
    ]
    assert show(console, reports)
    assert printed(console) == [
        "name       URL                    status   model version  data                                     "
        "headline metric",
        "mlflow     http://localhost:5000  healthy  3.17.2         -                                        -",
        "bankchurn  http://localhost:8001  healthy  3              Churn Modelling twin (synthetic sample)  "
        "roc_auc 0.8612 [0.8456, 0.8789]",
    ]


def test_what_is_not_healthy_is_explained_below_the_table(console: Console) -> None:
    reason = "ended with exit code 1: [Errno 98]; log: /x/bankchurn.log"
    assert not show(console, [Report("bankchurn", "http://localhost:8001", reason=reason)])
    assert printed(console)[1].split("  ")[2].strip() == "not healthy"
    assert printed(console)[-1] == f"bankchurn {reason}"


def test_the_dashboard_is_named_as_what_to_open_unless_it_is_not_up(console: Console) -> None:
    up = Report("dashboard", "http://localhost:8501", healthy=True, answers=True)
    show(console, [Report("mlflow", "http://localhost:5000", healthy=True), up])
    assert "All of it in a browser: http://localhost:8501" in printed(console)
    console.file.truncate(console.file.seek(0))
    assert not show(console, [replace(up, healthy=False, reason="does not answer")])
    assert "in a browser" not in "".join(printed(console))
    assert "dashboard does not answer" in printed(console)


def test_a_narrow_terminal_gets_whole_addresses_and_every_word() -> None:
    narrow = Console(file=StringIO(), width=80, soft_wrap=True)
    url, data = "http://localhost:28001", "Churn Modelling twin (synthetic sample)"
    show(narrow, [Report("bankchurn", url, healthy=True, answers=True, version="3", data=data, headline="roc_auc 0.8")])
    text = narrow.file.getvalue()  # type: ignore[attr-defined]
    assert f"bankchurn  {url}  healthy  3 " in text
    assert "…" not in text


def printed(console: Console) -> list[str]:
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
