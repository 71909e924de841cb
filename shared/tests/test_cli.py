"""Commands as people type them: what they print, and how they end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portfolio.spec.projects import project_names

BIN = Path(sys.executable).parent


def portfolio(*arguments: str, command: str = "portfolio", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / command, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"MLFLOW_TRACKING_URI": "", "NO_COLOR": "1", "COLUMNS": "120", **environment},
    )


def test_help_lists_every_command() -> None:
    shown = portfolio("--help")
    assert shown.returncode == 0
    for command in (
        "projects",
        "data",
        "train",
        "retrain",
        "evaluate",
        "serve",
        "fetch",
        "drift",
        "monitor",
        "models",
        "verdict",
        "diff",
        "history",
        "promote",
        "rollback",
        "archive",
        "registry",
        "keys",
        "sign",
        "verify",
        "twin",
        "demo",
        "labels",
        "store",
        "export",
    ):
        assert re.search(rf"\b{command}\b", shown.stdout)


def test_projects_lists_what_is_installed() -> None:
    shown = portfolio("projects").stdout
    assert all(name in shown for name in project_names())


def test_an_unknown_project_is_one_line_with_a_remedy() -> None:
    ended = portfolio("train", "nowhere")
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines() == [
        f"error: There is no project 'nowhere'; installed: {', '.join(project_names())}. "
        "Check the name, or `make install`."
    ]


def test_a_missing_data_file_is_one_line_with_a_remedy() -> None:
    ended = portfolio("train", project_names()[0], "--data-path", "nowhere[/x].csv")
    assert ended.returncode == 1
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith("error: There is no file nowhere[/x].csv")
    assert "make data" in line


def test_a_data_file_for_all_projects_is_refused() -> None:
    ended = portfolio("train", "--data-path", "x.csv")
    assert ended.returncode == 1
    assert "one project's file" in ended.stderr


def test_rows_for_all_projects_are_refused_with_the_code_of_what_could_not_be_judged() -> None:
    ended = portfolio("drift", "--input", "x.csv")
    assert ended.returncode == 3
    assert "one project's" in ended.stderr


@pytest.mark.parametrize("command", [("train", "--register-model"), ("train", "--register-model", "--quick")])
def test_registering_without_a_server_fails_before_training(command: tuple[str, ...]) -> None:
    ended = portfolio(command[0], project_names()[0], *command[1:], MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert ended.returncode == 1
    (line,) = ended.stderr.strip().splitlines()
    assert "MLflow does not answer at http://127.0.0.1:9" in line
    assert "make mlflow" in line


def test_serving_needs_a_name_where_several_projects_are_installed() -> None:
    ended = portfolio("serve")
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"error: Which project? Installed: {', '.join(project_names())}. Name one."


def test_what_is_to_be_signed_has_to_be_said() -> None:
    for arguments in ((), ("somewhere", "--champions")):
        ended = portfolio("sign", *arguments)
        assert (ended.returncode, ended.stderr.strip()) == (
            1,
            "error: What is to be signed? Name a folder, or --champions.",
        )


def test_a_champion_that_can_not_be_fetched_is_an_error() -> None:
    ended = portfolio("fetch", project_names()[0], MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert ended.returncode == 1
    assert "MLflow does not answer at http://127.0.0.1:9" in ended.stderr


def test_a_projects_own_command_speaks_for_it() -> None:
    name = project_names()[0]
    ended = portfolio("train", "--data-path", "nowhere.csv", command=name)
    assert ended.returncode == 1
    assert "There is no file nowhere.csv" in ended.stderr


def test_a_wrong_setting_is_one_line_too() -> None:
    ended = portfolio("train", project_names()[0], MLFLOW_TIMEOUT_SECONDS="soon")
    assert ended.returncode == 1
    assert "MLFLOW_TIMEOUT_SECONDS" in ended.stderr.upper()
    assert "Traceback" not in ended.stderr


def test_addresses_that_are_no_json_are_one_line_too() -> None:
    ended = portfolio("history", project_names()[0], API_ADDRESSES="bankchurn=http://localhost")
    assert (ended.returncode, ended.stderr.strip()) == (
        1,
        "error: API_ADDRESSES is no JSON object of addresses by project. See .env.example.",
    )


def test_versions_without_a_registry_are_one_line_with_a_remedy() -> None:
    ended = portfolio("rollback", project_names()[0])
    assert ended.returncode == 1
    assert "MLflow does not answer at (no MLFLOW_TRACKING_URI)" in ended.stderr


@pytest.mark.parametrize("command", [("retrain", "bankchurn"), ("drift",), ("score",), ("demo", "up"), ()])
def test_a_line_that_is_not_understood_ends_with_a_code_that_means_nothing_else(command: tuple[str, ...]) -> None:
    ended = portfolio(*command, "--bogus")
    assert ended.returncode == 64
    assert "--bogus" in ended.stderr


def test_a_projects_own_lines_and_the_script_that_are_not_understood_end_alike() -> None:
    name = project_names()[0]
    script = str(Path(__file__).parents[2] / "scripts" / "retrain_model.py")
    assert portfolio("retrain", "--bogus", command=name).returncode == 64
    assert portfolio("-m", f"{name}.training", "--bogus", command="python").returncode == 64
    assert portfolio(script, "--model-name", name, "--bogus", command="python").returncode == 64
    assert portfolio(script, command="python").returncode == 64


def test_help_is_no_error() -> None:
    assert portfolio("retrain", "--help").returncode == 0
