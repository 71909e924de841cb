"""Rules and dashboards as they are written: valid, tested, and with a way out for whoever is woken."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from portfolio.serving import create_app
from portfolio.serving.figures import WATCHING
from portfolio.serving.metrics import DRY_RUN, UNMATCHED
from portfolio.spec.projects import find_project, project_names
from tests.observers import PROMETHEUS, program
from tests.watched import GRAFANA, ROOT, RULES, dashboards, expressions, metric_of, panels, recorded, rules, selectors

TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
ALERTS = [rule for rule in rules() if "alert" in rule]
RUNBOOK = ROOT / "docs" / "runbooks" / "alerts.md"
COMPOSE = ROOT / "docker-compose.demo.yml"
EXPECTED = re.compile(r'alertname=~?"([\w|]+)"')
UNITS = {"reqps", "percentunit", "s", "cps", "short", "bytes", "none", "bool_yes_no"}
"""Those of Grafana's that are used; a misspelt one would be shown as text beside every figure."""


def test_rules_and_monitoring_leave_out_the_same_endpoints() -> None:
    routes = {getattr(route, "path", "") for route in create_app(find_project(project_names()[0])).routes} - {""}
    asked = [rule["expr"] for rule in rules()] + [
        text for board in dashboards().values() for text in expressions(board)
    ]
    left_out = {pattern for text in asked for pattern in re.findall(r'endpoint!~"([^"]+)"', text)}
    assert len(left_out) == 1
    (pattern,) = left_out
    documentation = {path for path in routes if path.startswith("/docs/")}  # which no page asks for
    found = {path for path in {*routes, UNMATCHED, DRY_RUN} - documentation if re.fullmatch(pattern, path)}
    assert found == WATCHING


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def tool(*arguments: str | Path) -> None:
    done = subprocess.run([program("promtool"), *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_and_every_rule_are_valid() -> None:
    tool("check", "config", PROMETHEUS / "prometheus.yml")
    tool("check", "rules", *RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_where_they_should_and_stay_silent_where_they_should_not(path: Path) -> None:
    tool("test", "rules", path)


def test_every_alert_is_seen_firing_at_every_severity_and_silent_in_the_same_test() -> None:
    firing, silent = set(), set()
    for test in [test for path in TESTS for test in read(path)["tests"]]:
        projects = set(re.findall(r'project="([^"]+)"', json.dumps(test["input_series"]).replace("\\", "")))
        for asked in test["promql_expr_test"]:
            names = [name for found in EXPECTED.findall(asked["expr"]) for name in found.split("|")]
            told = [sample["labels"] for sample in asked.get("exp_samples", [])]
            severities = re.findall(r'severity="(\w+)"', "".join(told))
            firing |= {(name, severity) for name in names for severity in severities}
            if not told or len(set(re.findall(r'project="([^"]+)"', "".join(told)))) < len(projects):
                silent |= set(names)
    assert {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS} == firing
    assert {rule["alert"] for rule in ALERTS} == silent


def test_an_alert_says_what_is_wrong_and_where_it_is_explained() -> None:
    headings = {f"docs/runbooks/alerts.md#{name.lower()}" for name in sections()}
    for rule in ALERTS:
        annotations = rule["annotations"]
        assert annotations.keys() == {"summary", "description", "runbook"}
        assert annotations["runbook"] == f"docs/runbooks/alerts.md#{rule['alert'].lower()}"
        assert annotations["runbook"] in headings
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        if rule["alert"] != "MonitorDown":
            assert "{{ $labels.project }}" in annotations["summary"] or "or $labels.project" in annotations["summary"]


def sections() -> dict[str, str]:
    """What the runbook says of each alert."""
    parts = re.split(r"^## (\w+)\n", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_runbook_has_three_looks_and_a_command_for_each_alert_and_for_no_other() -> None:
    assert sections().keys() == {rule["alert"] for rule in ALERTS}
    for name, text in sections().items():
        assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == 3, name
        assert re.search(r"^    (curl|make|docker|\.venv/bin/portfolio|df) ", text, re.MULTILINE), name


def test_every_target_that_the_runbook_makes_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"^    make ([a-z-]+)", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)) - targets == set()


def test_logs_of_the_runbook_end_so_that_a_block_runs_through() -> None:
    followed = [line for line in RUNBOOK.read_text(encoding="utf-8").splitlines() if line.startswith("    make logs-")]
    assert followed
    assert [line for line in followed if not line.endswith(" FOLLOW=0")] == []


def test_every_command_that_the_runbook_gives_exists() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    found = {
        tuple(each.split()) for each in re.findall(r"^    docker .* portfolio (store \w+|\w+)", text, re.MULTILINE)
    }
    assert found
    for group in {command[:-1] for command in found}:
        portfolio = Path(sys.executable).with_name("portfolio")
        done = subprocess.run([portfolio, *group, "--help"], check=False, capture_output=True, text=True)
        listed = set(re.findall(r"^│ (\w+) ", re.sub(r"\x1b\[[\d;]*m", "", done.stdout), re.MULTILINE))
        assert {command[-1] for command in found if command[:-1] == group} - listed == set()


def test_every_project_is_scraped_by_its_name_where_the_stack_has_it() -> None:
    services, jobs = read(COMPOSE)["services"], read(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    apis = {job["job_name"]: job for job in jobs}["apis"]["static_configs"]
    assert {each["labels"]["project"] for each in apis} == set(project_names())
    for each in apis:
        (target,) = each["targets"]
        host, _, port = target.partition(":")
        service = services[host]
        assert service["ports"][0].endswith(f":{port}")
        assert f"}}{each['labels']['project']}-full:" in service["image"]


def test_who_is_not_told_apart_is_no_alarm_of_another_project() -> None:
    """A sum over projects would hide whose it is."""
    for rule in ALERTS:
        for grouped in re.findall(r"\b(?:sum|min|max|avg|group) (?:by )?\(([^)]*)", rule["expr"]):
            assert "project" in grouped or "monitoring_patience_seconds" in rule["expr"], rule["alert"]


@pytest.mark.parametrize("uid", ["portfolio", "model"])
def test_a_dashboard_is_what_its_script_writes_and_every_panel_has_title_unit_and_source(uid: str) -> None:
    board = dashboards()[uid]
    sys.path.insert(0, str(GRAFANA))
    try:
        assert runpy.run_path(str(GRAFANA / "dashboards.py"))[uid]() == board
    finally:
        sys.path.remove(str(GRAFANA))
    source = read(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"][0]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert board["schemaVersion"] >= 39
    for panel in panels(board):
        assert panel["title"]
        defaults = panel["fieldConfig"]["defaults"]
        overridden = [
            each["value"] for override in panel["fieldConfig"]["overrides"] for each in override["properties"]
        ]
        assert {defaults["unit"], *overridden} <= UNITS
        used = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert used == [{"type": source["type"], "uid": source["uid"]}] * len(used)
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


def test_grafana_finds_its_dashboards_where_the_stack_puts_them() -> None:
    (provider,) = read(GRAFANA / "provisioning" / "dashboards" / "portfolio.yml")["providers"]
    mounts = read(ROOT / "docker-compose.demo.yml")["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in mounts


@pytest.mark.parametrize("uid", ["portfolio", "model"])
def test_no_panel_lies_on_another_or_beyond_the_edge(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboards()[uid]["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_what_is_recorded_is_used() -> None:
    asked = [rule["expr"] for rule in rules()] + [
        each for board in dashboards().values() for each in expressions(board)
    ]
    used = {metric_of(selector) for expression in asked for selector in selectors(expression)}
    assert recorded() - used == set()


def test_selectors_are_found_in_an_expression() -> None:
    expression = (
        'sum by (project, le) (rate(a_total{job="x", to=~"/b.*|c"}[5m])) > on (project) group_left () 3 * max(b:c:d) '
        "or d offset 1d unless (e > bool 0) and sum_over_time(f[6h:5m]) / 1e3 == time()"
    )
    assert selectors(expression) == {'a_total{job="x", to=~"/b.*|c"}', "b:c:d", "d", "e", "f"}


@pytest.mark.parametrize("profile", [[], ["--profile", "observability"]])
def test_the_stack_with_and_without_observability_is_a_valid_composition(profile: list[str]) -> None:
    compose = [shutil.which("docker") or "/nowhere/docker", "compose"]
    if (
        not Path(compose[0]).exists()
        or subprocess.run([*compose, "version"], check=False, capture_output=True).returncode
    ):
        pytest.skip("needs docker with its compose plugin; no engine")
    command = [*compose, "--file", COMPOSE, *profile, "config", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    observing = {name: services[name] for name in ("prometheus", "alertmanager", "grafana") if name in services}
    assert len(observing) == (3 if profile else 0)
    for service in observing.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])
        assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}
        assert all(volume.get("read_only") or volume["type"] == "volume" for volume in service["volumes"])
