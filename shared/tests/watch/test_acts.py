"""Versions are listed, promoted and rolled back over HTTP as the commands do it, for who has the key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from champions import champion, registered, several
from fastapi.testclient import TestClient
from mlflows import mlflow_server
from oversight import asking, assembled
from pydantic import SecretStr
from running_api import Api, serving
from toys import LATE, project

from portfolio import registry
from portfolio.bundle.keys import make_keys
from portfolio.promotion.audit import history
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.watch import paths

KEY = "correct horse"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as settings:
        yield settings


@pytest.fixture
def operator(settings: Settings, mlflow: Settings, tmp_path: Path) -> Settings:
    """With the keys to sign and to act."""
    make_keys(tmp_path / "keys" / "bundle.key", tmp_path / "keys" / "bundle.pub")
    return settings.model_copy(
        update={
            "mlflow_tracking_uri": mlflow.mlflow_tracking_uri,
            "mlflow_timeout_seconds": 10,
            "signing_key": str(tmp_path / "keys" / "bundle.key"),
            "admin_key": SecretStr(KEY),
        }
    )


@dataclass
class Desk:
    """Who acts, what on, and the API that has to follow."""

    spec: ModelSpec
    settings: Settings
    client: TestClient
    api: Api

    def act(self, verb: str, body: dict[str, Any], key: str | None = KEY, **headers: str) -> httpx.Response:
        """POST /versions/NAME/promote or rollback."""
        headers |= {"X-API-Key": key} if key else {}
        return self.client.post(f"/versions/{self.spec.name}/{verb}", json=body, headers=headers)

    def must(self, verb: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """What it answers where it is done."""
        answer = self.act(verb, body, **headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def desk(
    operator: Settings, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    spec = replace(project(LATE, tmp_path / "project"), name=f"toy-{abs(hash(request.node.name))}")
    monkeypatch.setattr(paths, "find_project", lambda _: spec)
    api = Api(spec, operator)
    with serving(api) as settings:
        yield Desk(spec, settings, asking(assembled(settings, (spec.name,))), api)


def test_a_version_is_promoted_and_the_answer_comes_when_the_api_serves_it(desk: Desk) -> None:
    several(desk.settings, desk.spec, 2)
    desk.api.slow = 2
    desk.must("promote", {"version": "1", "reason": "the first"})
    said = desk.must("promote", {"version": "2", "reason": "better in spring"}, **{"X-User": "ann"})
    assert (said["champion"], said["before"]) == ("2", "1")
    assert said["served_after_seconds"] >= 0
    assert desk.api.live == ["2"]
    assert champion(desk.spec, desk.settings).version == "2"
    last = history(desk.spec.name, desk.settings)[-1]
    assert (last.who, last.reason, last.outcome) == ("ann", "better in spring", "live")


def test_a_rollback_goes_to_the_champion_before(desk: Desk) -> None:
    several(desk.settings, desk.spec, 2)
    for version in ("1", "2"):
        desk.must("promote", {"version": version, "reason": "in turn"})
    assert desk.must("rollback", {"reason": "it drifts"})["champion"] == "1"
    assert desk.api.live == ["1"]
    assert desk.must("rollback", {"reason": "by name", "to": "2"})["champion"] == "2"


def test_versions_show_who_is_live_and_who_changed_it(desk: Desk) -> None:
    several(desk.settings, desk.spec, 2)
    desk.must("promote", {"version": "1", "reason": "the first"}, **{"X-User": "ann"})
    said = desk.client.get(f"/versions/{desk.spec.name}").json()
    assert (said["champion"], said["live_versions"]) == ("1", ["1"])
    assert [(each["version"], each["aliases"], each["verdict"]) for each in said["versions"]] == [
        ("2", [], "promote"),
        ("1", ["champion"], "promote"),
    ]
    assert [(line["action"], line["to_version"], line["who"]) for line in said["audit"]] == [("promote", "1", "ann")]


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("wrong", 401)])
def test_without_the_key_nothing_moves(desk: Desk, key: str | None, status: int) -> None:
    several(desk.settings, desk.spec, 1)
    for verb, body in (("promote", {"version": "1", "reason": "x"}), ("rollback", {"reason": "x"}), ("promote", {})):
        answer = desk.act(verb, body, key=key)
        assert (answer.status_code, answer.json()["title"]) == (status, "Not admitted")
        assert answer.headers["www-authenticate"] == "X-API-Key"
    assert registry.champion(desk.spec.name, desk.settings) is None


def test_it_is_closed_where_no_key_is_set(desk: Desk) -> None:
    keyless = desk.settings.model_copy(update={"admin_key": SecretStr("")})
    client = asking(assembled(keyless, (desk.spec.name,)))
    answer = client.post(
        f"/versions/{desk.spec.name}/promote", json={"version": "1", "reason": "x"}, headers={"X-API-Key": ""}
    )
    assert answer.status_code == 403


def test_what_the_gate_has_blocked_is_a_conflict_unless_forced(desk: Desk) -> None:
    registered(desk.settings, desk.spec, "bad", verdict="block")
    answer = desk.act("promote", {"version": "1", "reason": "please"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert "The gate has blocked" in answer.json()["detail"]
    assert answer.json()["remedy"]
    assert desk.must("promote", {"version": "1", "reason": "please", "force": True})["champion"] == "1"


def test_what_the_api_refuses_is_a_conflict_and_all_is_as_before(desk: Desk) -> None:
    several(desk.settings, desk.spec, 2)
    desk.must("promote", {"version": "1", "reason": "the first"})
    desk.api.refused = ("2",)
    answer = desk.act("promote", {"version": "2", "reason": "x"})
    assert answer.status_code == 409
    assert "refuses version 2" in answer.json()["detail"]
    assert champion(desk.spec, desk.settings).version == "1"


def test_a_version_that_is_not_there_is_a_404(desk: Desk) -> None:
    several(desk.settings, desk.spec, 1)
    assert desk.act("promote", {"version": "9", "reason": "x"}).status_code == 404
    assert desk.act("promote", {"version": "nonsense", "reason": "x"}).status_code == 409


@pytest.mark.parametrize(
    "body",
    [{}, {"version": "1"}, {"version": "1", "reason": " "}, {"version": 1, "reason": "x"}, {"reason": "x", "to": "1"}],
)
def test_a_wish_that_is_not_understood_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    answer = desk.act("promote", body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("name", ["", " ", "a\tb", "x" * 65, "<b>"])
def test_a_user_that_is_no_name_is_refused(desk: Desk, name: str) -> None:
    several(desk.settings, desk.spec, 1)
    assert desk.act("promote", {"version": "1", "reason": "x"}, **{"X-User": name}).status_code == 400
    assert history(desk.spec.name, desk.settings) == ()


def test_one_project_is_changed_by_one_at_a_time(desk: Desk) -> None:
    several(desk.settings, desk.spec, 2)
    desk.must("promote", {"version": "1", "reason": "the first"})
    desk.api.slow = 4  # looks, half a second apart
    first: list[int] = []
    slow = threading.Thread(
        target=lambda: first.append(desk.act("promote", {"version": "2", "reason": "slow"}).status_code)
    )
    slow.start()
    while champion(desk.spec, desk.settings).version != "2":
        pass
    answer = desk.act("rollback", {"reason": "too soon"})
    slow.join()
    assert (answer.status_code, first) == (409, [200])
    assert "Another version" in answer.json()["detail"]


def test_a_registry_that_is_away_is_a_503_with_a_remedy(desk: Desk) -> None:
    away = desk.settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:9"})
    client = asking(assembled(away, (desk.spec.name,)))
    for answer in (
        client.get(f"/versions/{desk.spec.name}"),
        client.post(
            f"/versions/{desk.spec.name}/promote",
            json={"version": "1", "reason": "x"},
            headers={"X-API-Key": KEY},
        ),
    ):
        assert (answer.status_code, answer.json()["title"]) == (503, "Registry not available")
        assert answer.json()["remedy"]


def test_an_api_that_is_away_is_told_and_waited_for_by_nobody(desk: Desk) -> None:
    several(desk.settings, desk.spec, 1)
    name = desk.spec.name
    alone = desk.settings.model_copy(update={"api_addresses": {name: "http://127.0.0.1:9"}})
    client = asking(assembled(alone, (name,)))
    answer = client.post(
        f"/versions/{name}/promote", json={"version": "1", "reason": "x"}, headers={"X-API-Key": KEY}
    ).json()
    assert (answer["champion"], answer["served_after_seconds"]) == ("1", None)
    assert "no API answers" in answer["sentence"]
    assert client.get(f"/versions/{name}").json()["live_versions"] is None
