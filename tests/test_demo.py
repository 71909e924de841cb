"""The demo as a new user meets it: a fresh copy of the repository, `make demo`, `make demo-up`, `make demo-down`."""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from portfolio.settings import read_config
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project, project_names
from tests.copies import copy_repository
from tests.front import FIRST_PAGE
from tests.runbooks import commands

pytestmark = pytest.mark.e2e

SPECS = {name: find_project(name) for name in project_names()}
PORTS = {name: read_config(spec.root / "configs" / "config.yaml").port for name, spec in SPECS.items()}
MLFLOW_PORT, MONITORING_PORT, DASHBOARD_PORT = 5000, 8010, 8501
ALL_PORTS = (MLFLOW_PORT, MONITORING_PORT, DASHBOARD_PORT, *PORTS.values())
OURS = (
    "MLFLOW",
    "MAKE",
    "MFLAGS",
    "ARGS",
    "PROJECT",
    "SIGNING",
    "BUNDLE",
    "ALLOW",
    "DATABASE",
    "API_ADDRESSES",
    "ADMIN_KEY",
    "MONITORING",
    "PORTFOLIO",
    "JOURNAL",
)  # what `make test` hands down is not for the copy


class Tree:
    """A copy of the repository's own files with ports, data and state apart from the developer's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        self.offset = free_offset()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "DEMO_PORT_OFFSET": str(self.offset),
            "MONITORING_INTERVAL_SECONDS": "15",
            "DATA_MIRROR": str(folder / "no-mirror"),  # so the samples are used, whatever this machine can reach
        }
        copy_repository(folder)

    @property
    def addresses(self) -> dict[str, str]:
        """How commands find the demo, which listens elsewhere than a developer's."""
        apis = {name: f"http://127.0.0.1:{port + self.offset}" for name, port in PORTS.items()}
        registry = f"http://127.0.0.1:{MLFLOW_PORT + self.offset}"
        return {"MLFLOW_TRACKING_URI": registry, "API_ADDRESSES": json.dumps(apis)}

    def make(self, *arguments: str, **environment: str) -> str:
        """Run make to its end; returns what it printed."""
        command = ["make", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            check=False,
            text=True,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        self.printed += done.stdout + done.stderr
        return done.stdout

    def ask(self, project: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer of an API, or of the monitoring service."""
        port = PORTS.get(project, MONITORING_PORT)
        request = Request(
            f"http://127.0.0.1:{port + self.offset}{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            parsed: dict[str, Any] = json.load(answer)
            return parsed

    def status(self, project: str, path: str, key: str, body: dict[str, Any] | None = None) -> int:
        """The status that a POST with an admin key is answered with."""
        port = PORTS.get(project, MONITORING_PORT)
        request = Request(
            f"http://127.0.0.1:{port + self.offset}{path}",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json", "X-API-Key": key},
        )
        try:
            with urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    @property
    def key(self) -> str:
        """The admin key that the first start made."""
        [line] = [line for line in (self.folder / ".env").read_text().splitlines() if line.startswith("ADMIN_KEY=")]
        return line.partition("=")[2]

    def of_the_dashboard(self) -> dict[str, str]:
        """What the running dashboard was told of where everything is."""
        groups = json.loads((self.folder / ".demo" / "state.json").read_text())["groups"]
        [pid] = [group["pid"] for group in groups if group["name"] == "dashboard"]
        told = [line.partition("=") for line in Path(f"/proc/{pid}/environ").read_text().split("\0")]
        return {name: value for name, _, value in told if name in ("PORTFOLIO_APIS", "MONITORING_URL", "MLFLOW_URL")}

    def logs(self) -> str:
        paths = sorted(self.folder.glob(".demo/logs/*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in paths)

    def left_behind(self) -> list[str]:
        """Command lines of programs of this copy that still run."""
        listed = subprocess.run(["ps", "-axo", "pid=,stat=,args="], check=True, text=True, capture_output=True)
        return [line for line in listed.stdout.splitlines() if f"{self.folder}/.venv" in line and " Z" not in line]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = Tree(tmp_path_factory.mktemp("demo") / "portfolio")
    yield tree
    subprocess.run(["make", "demo-down"], cwd=tree.folder, env=tree.environment, check=False, capture_output=True)


def test_the_demo_from_a_fresh_copy_to_the_second_start_and_the_end(tree: Tree) -> None:
    ctrl_c_during_training_leaves_nothing_running(tree)
    first = the_first_start_trains_and_serves_every_project(tree)
    a_start_beside_it_changes_nothing(tree)
    the_dashboard_shows_every_model_of_this_stack(tree)
    the_key_that_was_made_opens_api_and_monitoring_and_is_shown_nowhere(tree)
    a_prediction_is_kept_shown_and_looked_at(tree)
    every_command_of_the_runbook_of_promotion_works(tree)
    stopping_leaves_nothing_running(tree)
    the_second_start_reuses_the_champions(tree, first | {"bankchurn": "4"})
    stopping_leaves_nothing_running(tree)


def ctrl_c_during_training_leaves_nothing_running(tree: Tree) -> None:
    begun = time.monotonic()
    make = subprocess.Popen(
        ["make", "demo", "ARGS=--quick"],
        cwd=tree.folder,
        env=tree.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert make.stdout is not None
    lines = []
    for line in make.stdout:
        lines.append(line)
        if "no champion yet, training" in line:
            break
    time.sleep(1)
    os.killpg(make.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
    rest, _ = make.communicate(timeout=30)
    said = "".join(lines) + rest
    tree.printed += said
    assert "stopped: mlflow, training of" in said, f"{said}\n{tree.logs()}"
    assert make.returncode != 0
    nothing_runs(tree)
    report("install, MLflow, Ctrl-C", begun)


def the_first_start_trains_and_serves_every_project(tree: Tree) -> dict[str, str]:
    begun = time.monotonic()
    table = tree.make("demo-up", "ARGS=--quick")
    report("first start", begun)
    assert f"All of it in a browser: http://localhost:{DASHBOARD_PORT + tree.offset}\n" in table
    shown = [line for line in table.splitlines() if "  healthy  " in line]
    assert len(shown) == len(ALL_PORTS)
    assert sum("synthetic sample" in line for line in shown) == len(SPECS)
    versions = {name: tree.ask(name, "/health")["model_version"] for name in SPECS}
    for name, spec in SPECS.items():
        answer = tree.ask(name, "/predict", an_example(spec))
        assert answer.keys() == spec.response.model_fields.keys()
        assert answer["model_version"] == versions[name]
    return versions


def a_start_beside_it_changes_nothing(tree: Tree) -> None:
    key = tree.key
    said = tree.make("demo-up")
    assert "The demo is up already." in said
    assert f"in a browser: http://localhost:{DASHBOARD_PORT + tree.offset}" in said
    assert tree.key == key


def the_dashboard_shows_every_model_of_this_stack(tree: Tree) -> None:
    """Its process answers, and its first page, drawn with what that process was told, has every model as it is."""
    with urlopen(f"http://127.0.0.1:{DASHBOARD_PORT + tree.offset}/", timeout=10) as answer:
        assert "<title>" in answer.read().decode()
    done = subprocess.run(
        [tree.folder / ".venv" / "bin" / "python", "-c", FIRST_PAGE],
        cwd=tree.folder / "dashboard",
        env=tree.environment | tree.of_the_dashboard(),
        check=False,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    page = json.loads(done.stdout.splitlines()[-1])
    assert f"{len(SPECS)} of {len(SPECS)} models answer" in page
    for name in SPECS:
        assert tree.ask(name, "/")["title"] in page
        assert f"http://localhost:{PORTS[name] + tree.offset}/docs" in page
    assert f"http://localhost:{MLFLOW_PORT + tree.offset}/#/models/bankchurn/versions/1" in page


def the_key_that_was_made_opens_api_and_monitoring_and_is_shown_nowhere(tree: Tree) -> None:
    for key, statuses in ((tree.key, (200, 404)), ("another", (401, 401))):
        assert tree.status("bankchurn", "/admin/reload", key) == statuses[0]
        nothing = {"version": "99", "reason": "there is none"}
        assert tree.status("monitoring", "/versions/bankchurn/promote", key, nothing) == statuses[1]
    assert (tree.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert tree.key not in tree.printed
    assert all(tree.key not in path.read_text(errors="replace") for path in tree.folder.glob(".demo/logs/*.log"))


def a_prediction_is_kept_shown_and_looked_at(tree: Tree) -> None:
    begun = time.monotonic()
    answer = tree.ask("bankchurn", "/predict", an_example(SPECS["bankchurn"]))
    until(lambda: answer["prediction_id"] in kept(tree, "bankchurn"))
    number = len(kept(tree, "bankchurn"))
    assert tree.ask("bankchurn", "/stats")["predictions"]["total"] == number
    until(lambda: (tree.ask("bankchurn", "/monitoring/stats")["total"] or {}).get("predictions") == number)
    until(lambda: any(run["predictions"] for run in tree.ask("monitoring", "/runs?project=bankchurn")["runs"]))
    health = tree.ask("monitoring", "/health")
    assert {each["project"]: each["api_up"] for each in health["projects"]} == dict.fromkeys(SPECS, True)
    lines = tree.make("health").splitlines()
    assert len(lines) == len(ALL_PORTS)
    assert all(" healthy " in line for line in lines)
    report("prediction, store, monitoring run", begun)


def kept(tree: Tree, project: str) -> list[str]:
    """The ids of a project's predictions that are in the store."""
    with closing(sqlite3.connect(f"file:{tree.folder}/store/portfolio.db?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT prediction_id FROM model_predictions WHERE project = ?", (project,))
        return [row[0] for row in rows]


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for what has to come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def every_command_of_the_runbook_of_promotion_works(tree: Tree) -> None:
    """There are three more versions then, the last one the challenger, and an API that has to follow."""
    begun = time.monotonic()
    for _ in range(3):
        tree.make("train", "PROJECT=bankchurn", "ARGS=--quick --register-model", **tree.addresses)
    for command in commands("promotion.md", ".venv/bin/"):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tree.folder,
            env=tree.environment | tree.addresses,
            check=False,
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{tree.logs()}"
        if " promote" in command or " rollback" in command or "promote_model" in command:
            assert "the API serves it after" in done.stdout, command
    assert tree.ask("bankchurn", "/model/info")["live_versions"] == ["4"]
    report("runbook of promotion", begun)


def the_second_start_reuses_the_champions(tree: Tree, versions: dict[str, str]) -> None:
    begun = time.monotonic()
    said = tree.make("demo-up")
    report("second start", begun)
    assert "training" not in said
    assert {name: tree.ask(name, "/health")["model_version"] for name in SPECS} == versions


def stopping_leaves_nothing_running(tree: Tree) -> None:
    said = tree.make("demo-down")
    assert all(name in said for name in ("stopped: mlflow", "monitoring", "dashboard", *SPECS)), said
    nothing_runs(tree)
    assert "not running" in tree.make("demo-down")


def nothing_runs(tree: Tree) -> None:
    assert tree.left_behind() == []
    assert all(is_free(port + tree.offset) for port in ALL_PORTS)


def an_example(spec: ModelSpec) -> dict[str, Any]:
    """The request that its own documentation shows."""
    return {name: field.examples[0] for name, field in spec.request.model_fields.items() if field.examples}


def free_offset() -> int:
    """One that makes every port of the demo a free one, below those that the system gives away by itself."""
    offsets = random.Random().sample(range(12000, 24000, 10), 100)
    return next(offset for offset in offsets if all(is_free(port + offset) for port in ALL_PORTS))


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return attempt.connect_ex(("127.0.0.1", port)) != 0


def report(what: str, begun: float) -> None:
    print(f"{what}: {time.monotonic() - begun:.1f} s", file=sys.stderr)  # noqa: T201
