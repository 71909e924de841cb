"""The commands as an operator types them, beside a real service that follows a real registry."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from champions import alias, registered
from mlflows import mlflow_server
from services import TESTS, Service, installed, running

from portfolio.bundle.keys import make_keys, one_line
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

BIN = Path(sys.executable).parent
SCRIPTS = Path(__file__).parents[3] / "scripts"
KEY = "correct horse"


@dataclass(frozen=True)
class Desk:
    """Where an operator types, and what is registered there."""

    spec: ModelSpec
    settings: Settings
    database: str

    def type(self, *command: str | Path, fails: bool = False, **environment: str) -> str:
        """What a command prints; its error where it shall fail."""
        done = subprocess.run(
            [BIN / command[0], *command[1:]],
            env=os.environ | self.environment | environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """Of every command and of the service."""
        return {
            "PYTHONPATH": os.pathsep.join([str(self.spec.root / "src"), str(TESTS)]),
            "MLFLOW_TRACKING_URI": self.settings.mlflow_tracking_uri,
            "DATABASE_URL": self.database,
            "AUDIT_USER": "ann",
            "NO_COLOR": "1",
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Versions 1 and 2 of a project with a service of its own."""
    spec = installed(tmp_path / "toylate")
    (tmp_path / "mlflow").mkdir()
    with mlflow_server(tmp_path / "mlflow") as settings:
        for number in (1, 2):
            registered(settings, spec, f"r{number}", seed=number)
        yield Desk(spec, settings, f"sqlite:///{tmp_path}/store/portfolio.db")


def addresses(service: Service) -> dict[str, str]:
    return {"API_ADDRESSES": orjson.dumps({"toylate": f"http://127.0.0.1:{service.port}"}).decode()}


def serves(service: Service) -> str:
    with service.client() as client:
        return str(client.get("/health").json()["model_version"])


def test_a_day_of_an_operator(desk: Desk) -> None:
    poll = {"REGISTRY_POLL_SECONDS": "0.2", "ADMIN_KEY": KEY}
    with running(desk.spec, **desk.environment, **poll) as service:
        known = addresses(service)
        first = desk.type("portfolio", "promote", "toylate", "--version", "1", **known)
        assert "version 1 is the champion, signed with key" in first
        assert "the API serves it after" in first
        assert serves(service) == "1"
        script = ["--version", "2", "--archive-current", "--model-name", "toylate"]
        tracked = ["--tracking-uri", desk.settings.mlflow_tracking_uri]
        second = desk.type(
            "python", SCRIPTS / "promote_model.py", *script, *tracked, MLFLOW_TRACKING_URI="", ADMIN_KEY=KEY, **known
        )
        assert "version 2 is the champion" in second
        assert serves(service) == "2"
        assert "is the champion" in desk.type("portfolio", "archive", "toylate", "--version", "2", fails=True)
        back = desk.type("portfolio", "rollback", "toylate", "--reason", "too [late]", **known)
        assert "version 1 is the champion" in back
        assert serves(service) == "1"
    lines = desk.type("portfolio", "history", "toylate").splitlines()
    assert [line.split()[2:4] for line in lines[1:]] == [
        ["ann", kind] for kind in ("promote", "promote", "archive", "rollback")
    ]
    assert lines[-1].rstrip().endswith("too [late]")
    assert [line["outcome"] for line in orjson.loads(desk.type("portfolio", "history", "toylate", "--json"))] == [
        "live",
        "live",
        "done",
        "live",
    ]


def test_what_the_service_refuses_is_told_with_its_reason(desk: Desk, tmp_path: Path) -> None:
    theirs = make_keys(tmp_path / "their.key", tmp_path / "their.pub")
    wary = {"ADMIN_KEY": KEY, "BUNDLE_PUBLIC_KEY": one_line(theirs.public), "ALLOW_UNSIGNED": "0"}
    with running(desk.spec, **desk.environment, **wary) as service:
        error = desk.type(
            "portfolio", "promote", "toylate", "--version", "2", ADMIN_KEY=KEY, **addresses(service), fails=True
        )
    assert "refuses version 2" in error
    assert "which is not trusted" in error
    assert alias(desk.settings, desk.spec, "champion") == ""
    [line] = orjson.loads(desk.type("portfolio", "history", "toylate", "--json"))
    assert (line["outcome"], "not trusted" in line["detail"]) == ("failed", True)


def test_who_looks_sees_all_versions(desk: Desk) -> None:
    desk.type("portfolio", "promote", "toylate", "--version", "1")
    newest, oldest = desk.type("portfolio", "models", "toylate").splitlines()[1:]
    assert newest.split()[:3] == ["toylate", "2", "-"]
    assert newest.rstrip().endswith("no")
    assert oldest.split()[:3] == ["toylate", "1", "champion"]
    assert "Orders (synthetic sample)" in oldest
    assert [row["version"] for row in orjson.loads(desk.type("portfolio", "models", "toylate", "--json"))] == ["2", "1"]
    shown = desk.type("portfolio", "registry", "summary")
    assert "total models: 1 (2 versions)\nproduction models: 1\n" in shown
    difference = desk.type("portfolio", "diff", "toylate", "champion", "2")
    assert "0.8 [0.7, 0.9]" in difference
    assert "the same" in difference
    assert "names no version" in desk.type("portfolio", "diff", "toylate", "1", "best", fails=True)
    assert "--force needs a reason" in desk.type(
        "portfolio", "promote", "toylate", "--version", "2", "--force", fails=True
    )
