"""Live services, a real Prometheus and a real Alertmanager: what is asked for exists, and an alert reaches somebody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from services import MODEL, Service, free_port, installed, running
from toys import COST, LATE, go_live, orders, write_bundle

from portfolio.bundle.keys import make_keys
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from tests import observers
from tests.observers import get, started, until
from tests.runbooks import commands
from tests.watched import dashboards, expressions, metric_of, recorded, rules, selectors

OF_PROMETHEUS = {"up", "ALERTS"}
NEEDS_DAYS = {"project:predictions_usual:rate1h"}
"""What has no value before a day is over."""
OF_THE_MACHINE = {"DiskLow", "DiskTooSmallForJournal"}
"""What may well fire where the tests run."""
MONITORING = (Path(__file__).parent / "monitoring.prom").read_text(encoding="utf-8")
"""What the monitoring service shows once it has looked at labelled predictions of a toy, which takes it days."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place of its own with keys and a store."""
    folder = tmp_path_factory.mktemp("observability")
    (folder / "Procfile").touch()  # so that it is a repository to whoever looks for one
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNING_KEY", str(folder / "keys" / "bundle.key"))
        patch.setenv("BUNDLE_PUBLIC_KEY", "")
        patch.setenv("ALLOW_UNSIGNED", "0")
        patch.setenv("DATABASE_URL", f"sqlite:///{folder}/store/portfolio.db")
        patch.setenv("MLFLOW_TRACKING_URI", "")
        made = Settings()
        make_keys(made.signing_key_file, made.public_key_file)
        yield folder


@pytest.fixture(scope="module")
def decides(settings: Path) -> Iterator[Service]:
    """A service that says yes or no."""
    with running(installed(settings / "late")) as service:
        ask(service)
        yield service


@pytest.fixture(scope="module")
def amounts(settings: Path) -> Iterator[Service]:
    """A service that says an amount."""
    with running(with_amounts(settings / "cost")) as service:
        ask(service)
        yield service


def with_amounts(folder: Path) -> ModelSpec:
    placed = installed(folder)
    spec = replace(COST, name=LATE.name, folder=placed.root)
    text = (
        MODEL.format(folder=str(placed.root)).replace("LATE", "COST").replace("folder=", f"name={LATE.name!r}, folder=")
    )
    (placed.root / "src" / "toylate" / "model.py").write_text(text)
    go_live(write_bundle(spec, placed.root / "models" / "v2"), model_version="v2")
    return spec


def ask(service: Service) -> None:
    with service.client() as client:
        for order in orders(20):
            assert client.post("/predict", json=order).status_code == 200


@pytest.fixture(scope="module")
def monitor(settings: Path, decides: Service) -> Iterator[str]:
    """The address of a monitoring service that knows the toy."""
    portfolio = Path(sys.executable).with_name("portfolio")
    assert not subprocess.run([portfolio, "monitoring", "--help"], check=False, capture_output=True).returncode
    folder, port = settings / "monitoring-service", free_port()
    folder.mkdir()
    path = os.pathsep.join([str(settings / "late" / "src"), str(Path(__file__).parents[1] / "shared" / "tests")])
    command = [str(portfolio), "monitoring", "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}/metrics"
    with started(command, folder, ready=address, env=os.environ | {"PYTHONPATH": path}):
        yield address


def test_every_address_that_the_runbook_asks_answers(decides: Service, monitor: str, tmp_path: Path) -> None:
    jobs = {"apis": [{"targets": [f"127.0.0.1:{decides.port}"]}], "monitoring": [{"targets": ["127.0.0.1:9"]}]}
    with observers.prometheus(tmp_path / "prometheus", jobs, "127.0.0.1:9") as prometheus:
        there = {"8001": f"http://127.0.0.1:{decides.port}", "8010": monitor.removesuffix("/metrics")}
        there["9090"] = prometheus.address
        asked = set(re.findall(r"localhost:(\d+)(/\S+?)'?$", "\n".join(commands("alerts.md", "curl ")), re.MULTILINE))
        assert {port for port, _ in asked} == there.keys()
        for port, path in sorted(asked):
            assert get(there[port] + path), path  # raises where the answer is an error


def shown(exposition: str) -> dict[str, set[str]]:
    """Names that an exposition has or promises, with the labels of their samples."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition):
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name + ending: set() for ending in endings}
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def metrics(service: Service) -> dict[str, set[str]]:
    return shown(get(f"http://127.0.0.1:{service.port}/metrics"))


def asked() -> set[str]:
    """Every selector of rules and dashboards."""
    found = [rule["expr"] for rule in rules()]
    found += [each for board in dashboards().values() for each in expressions(board, project="toylate", metric="f1")]
    return {selector for expression in found for selector in selectors(expression)}


def test_every_metric_that_rules_and_dashboards_name_is_shown_by_a_live_service(
    decides: Service, amounts: Service, monitor: str
) -> None:
    there = metrics(decides).keys() | metrics(amounts).keys() | shown(get(monitor)).keys()
    named = {metric_of(selector) for selector in asked()}
    assert named - there - recorded() - OF_PROMETHEUS == set()


def test_a_live_monitoring_service_shows_what_the_tests_have_for_it(monitor: str) -> None:
    live, written = shown(get(monitor)), shown(MONITORING)
    assert written.keys() - live.keys() == set()
    different = {name for name, labels in written.items() if live[name] and live[name] != labels}
    assert different == set()


def test_prometheus_finds_all_that_is_asked_for_and_an_api_that_stops_is_told_to_a_webhook(
    decides: Service, settings: Path, tmp_path: Path
) -> None:
    with (
        running(with_amounts(settings / "stops"), DATABASE_URL=f"sqlite:///{settings}/stops.db") as stops,
        observers.text(MONITORING) as monitored,
        observers.webhook() as hook,
        observers.alertmanager(tmp_path / "alertmanager", {"ALERT_WEBHOOK_URL": hook.address}) as (alerts, _),
    ):
        apis = [
            {"targets": [f"127.0.0.1:{service.port}"], "labels": {"project": project}}
            for service, project in ((decides, "toylate"), (stops, "toycost"))
        ]
        jobs = {"apis": apis, "monitoring": [{"targets": [monitored]}]}
        with observers.prometheus(tmp_path / "prometheus", jobs, alerts.removeprefix("http://")) as prometheus:
            until(lambda: set(prometheus.targets().values()) == {"up"}, otherwise=lambda: str(prometheus.targets()))
            for service in (decides, stops):
                ask(service)
            until(lambda: not missing(prometheus), otherwise=lambda: str(missing(prometheus)))
            every_expression_can_be_asked(prometheus)
            assert {alert for alert in prometheus.firing() if alert[0] not in OF_THE_MACHINE} == set()
            stops.stop()
            until(lambda: ("ApiDown", "toycost") in prometheus.firing())
            until(lambda: "ApiDown" in hook.alerts())
            assert hook.alerts()["ApiDown"]["labels"]["project"] == "toycost"
            assert hook.alerts()["ApiDown"]["annotations"]["summary"] == "The API of toycost is down"
            assert {project for _, project in prometheus.firing() if _ not in OF_THE_MACHINE} == {"toycost"}


def missing(prometheus: observers.Prometheus) -> set[str]:
    """Selectors of dashboards that find nothing, whichever project is chosen."""
    without: list[set[str]] = []
    for project in ("toylate", "toycost"):
        boards = [expressions(board, project=project, metric="f1") for board in dashboards().values()]
        found = {selector for board in boards for each in board for selector in selectors(each)}
        empty = {selector for selector in found if not prometheus.query(selector)}
        without.append({selector.replace(project, "$project") for selector in empty})
    return {each for each in set.intersection(*without) if metric_of(each) not in NEEDS_DAYS | {"ALERTS"}}


def every_expression_can_be_asked(prometheus: observers.Prometheus) -> None:
    """Raises where one is wrong: a many-to-many match is found by data alone."""
    for board in dashboards().values():
        for each in expressions(board, project="toylate", metric="f1"):
            prometheus.query(each)
    for rule in rules():
        prometheus.query(rule["expr"])
