"""What has a champion is not trained again; one failure doesn't keep the others from being trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from rich.console import Console

from portfolio.demo import champions
from portfolio.demo.champions import sign_all, signed_otherwise, train_all, without_champion
from portfolio.demo.procfile import Service
from portfolio.demo.stack import Stack
from portfolio.errors import RegistryError
from portfolio.registry import RegisteredVersion, champion
from portfolio.settings import Settings
from portfolio.training import command as training

ALIAS = "/api/2.0/mlflow/registered-models/alias?name={}&alias=champion"
VERSION = {
    "model_version": {
        "name": "bankchurn",
        "version": "3",
        "run_id": "abc",
        "tags": [{"key": "bundle_version", "value": "20260102T030405Z-abcdef"}],
    }
}
NO_MODEL = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
NO_ALIAS = (400, {"error_code": "INVALID_PARAMETER_VALUE"})

Answering = Callable[[dict[str, Any]], int]


@dataclass
class Tasks(Stack):
    """A stack whose tasks end at once, with the exit code that the project's name stands for."""

    codes: dict[str, int] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)

    def run(self, name: str, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        return self.codes.get(name.rpartition(" ")[2], 0)


@pytest.fixture
def tasks(stack: Stack, console: Console) -> Tasks:
    services = (*stack.services, Service("carvision", "", 28002), Service("telecomai", "", 28003))
    return Tasks(stack.root, services, stack.interrupt, console)


def registry_at(port: int) -> Settings:
    return Settings(mlflow_tracking_uri=f"http://127.0.0.1:{port}/")


def test_a_champion_is_found_without_importing_mlflow(answering: Answering) -> None:
    port = answering({ALIAS.format("bankchurn"): (200, VERSION)})
    found = champion("bankchurn", registry_at(port))
    assert found == RegisteredVersion("bankchurn", "3", "20260102T030405Z-abcdef", "abc")


@pytest.mark.parametrize("said", [NO_MODEL, NO_ALIAS])
def test_no_such_model_and_no_such_alias_are_no_champion(answering: Answering, said: tuple[int, Any]) -> None:
    port = answering({ALIAS.format("bankchurn"): said})
    assert champion("bankchurn", registry_at(port)) is None


def test_a_registry_that_fails_is_an_error_and_not_an_empty_registry(answering: Answering) -> None:
    port = answering({ALIAS.format("bankchurn"): (500, {})})
    with pytest.raises(RegistryError, match="answers 500"):
        champion("bankchurn", registry_at(port))
    with pytest.raises(RegistryError, match="does not answer"):
        champion("bankchurn", registry_at(1))


def test_only_projects_without_a_champion_are_trained(tasks: Tasks, answering: Answering) -> None:
    others = {ALIAS.format("carvision"): NO_ALIAS, ALIAS.format("telecomai"): NO_MODEL}
    port = answering({ALIAS.format("bankchurn"): (200, VERSION), **others})
    assert without_champion(tasks, registry_at(port)) == ("carvision", "telecomai")


def test_a_failed_and_a_blocked_training_are_told_and_the_rest_goes_on(tasks: Tasks, console: Console) -> None:
    tasks.codes = {"bankchurn": 1, "carvision": 3}
    reasons = train_all(tasks, ("bankchurn", "carvision", "telecomai"), quick=False)
    assert reasons == {"bankchurn": "training ended with exit code 1", "carvision": "the gate blocked it"}
    assert tasks.commands[-1] == ["portfolio", "train", "telecomai", "--demo", "--register-model"]
    assert "bankchurn: training ended with exit code 1" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_exit_code_of_a_blocked_training_is_the_one_that_training_has() -> None:
    assert champions.BLOCKED == training.BLOCKED


def test_quick_is_passed_on(tasks: Tasks) -> None:
    train_all(tasks, ("telecomai",), quick=True)
    assert tasks.commands == [["portfolio", "train", "telecomai", "--quick", "--register-model"]]


def test_champions_that_this_key_has_not_signed_are_promoted_again(tasks: Tasks, answering: Answering) -> None:
    signed = {"key": "signed_by", "value": "abcd"}
    ours = {"model_version": VERSION["model_version"] | {"tags": [signed]}}
    found = {"bankchurn": (200, ours), "carvision": (200, VERSION), "telecomai": NO_ALIAS}
    port = answering({ALIAS.format(name): said for name, said in found.items()})
    unsigned = signed_otherwise(tasks, registry_at(port), "abcd")
    assert [version.name for version in unsigned] == ["carvision"]
    assert len(signed_otherwise(tasks, registry_at(port), "another key")) == 2
    assert sign_all(tasks, unsigned) == {}
    assert tasks.commands == [["portfolio", "promote", "carvision", "--version", "3"]]


def test_a_champion_that_can_not_be_signed_is_told(tasks: Tasks) -> None:
    tasks.codes = {"carvision": 1}
    versions = tuple(RegisteredVersion(name, "3", "b", "run") for name in ("carvision", "telecomai"))
    assert sign_all(tasks, versions) == {"carvision": "signing it ended with exit code 1, see above"}
    assert len(tasks.commands) == 2
