"""A promotion ends when the running API serves the version; where that can't be, all is as it was before."""

from __future__ import annotations

import socket
import sqlite3
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from champions import alias, champion, registered, several
from pydantic import SecretStr
from running_api import KEY, Api, serving

from portfolio import registry
from portfolio.errors import BundleError, NotPromoted, StoreError
from portfolio.promotion import running
from portfolio.promotion.audit import history
from portfolio.promotion.flow import promote
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.store import deployments


@pytest.fixture
def api(spec: ModelSpec, settings: Settings) -> Api:
    """An API that serves version 1, promoted; version 2 is the challenger."""
    several(settings, spec, 2)
    promote(spec, 1, settings)
    registry.point(settings, registry.find_version(spec.name, 2, settings), registry.CHALLENGER)
    return Api(spec, settings, live=["1"])


def aliases(api: Api) -> tuple[str, ...]:
    return tuple(alias(api.settings, api.spec, name) for name in ("champion", "previous", "challenger"))


def outcomes(api: Api) -> list[tuple[str, str]]:
    return [(line.to_version, line.outcome) for line in deployments(api.settings, project=api.spec.name)]


def test_a_promotion_ends_when_every_worker_serves_the_version(api: Api) -> None:
    api.workers, api.slow, api.live = 2, 2, ["1", "1"]
    with serving(api) as settings:
        done = promote(api.spec, 2, settings)
    assert set(api.live) == {"2"}
    assert done.served.seconds is not None
    assert done.served.seconds >= 2 * running.STEP
    assert aliases(api) == ("2", "1", "")
    assert outcomes(api)[2:] == [("2", "intended"), ("2", "done"), ("2", "live")]
    assert history(api.spec.name, settings)[-1].seconds == done.served.seconds


def test_what_the_api_refuses_is_not_promoted_and_the_aliases_go_back(api: Api) -> None:
    api.refused = ("2",)
    with serving(api) as settings, pytest.raises(NotPromoted, match="golden row scores 3 off"):
        promote(api.spec, 2, settings)
    assert aliases(api) == ("1", "", "2")
    assert registry.find_version(api.spec.name, 2, settings).promoted_at == ""
    assert outcomes(api)[2:] == [("2", "intended"), ("2", "done"), ("2", "failed")]
    assert "golden row" in history(api.spec.name, settings)[-1].detail


def test_a_failure_of_long_ago_is_none_of_this_promotion(api: Api) -> None:
    api.slow = 2
    api.failure = {
        "model_version": "2",
        "bundle": "",
        "stage": "load",
        "reason": "unsigned",
        "detail": "",
        "at": "then",
    }
    with serving(api) as settings:
        assert promote(api.spec, 2, settings).served.seconds is not None


def test_what_does_not_go_live_in_time_is_taken_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.5)
    api.slow = 1000
    with serving(api) as settings, pytest.raises(NotPromoted, match="did not serve version 2 within"):
        promote(api.spec, 2, settings)
    assert aliases(api) == ("1", "", "2")
    assert outcomes(api)[-1] == ("2", "failed")


def test_an_api_that_follows_no_registry_is_not_waited_for(api: Api) -> None:
    api.follows = False
    with serving(api) as settings:
        done = promote(api.spec, 2, settings)
    assert (done.served.seconds, "follows no registry" in done.served.note) == (None, True)
    assert aliases(api)[0] == "2"
    assert outcomes(api)[-1] == ("2", "done")


def test_who_has_the_key_asks_the_api_to_look_at_once(api: Api) -> None:
    with serving(api) as settings:
        done = promote(api.spec, 2, settings.model_copy(update={"admin_key": SecretStr(KEY)}))
    assert api.reloads == [KEY]
    assert done.served.seconds is not None


def test_a_refused_reload_is_the_apis_reason(api: Api) -> None:
    api.reload = 409, {"detail": "Version 2 is refused: model.onnx was altered"}
    with serving(api) as settings, pytest.raises(NotPromoted, match=r"model\.onnx was altered"):
        promote(api.spec, 2, settings.model_copy(update={"admin_key": SecretStr(KEY)}))
    assert aliases(api) == ("1", "", "2")


@pytest.mark.parametrize("status", [401, 403, 503])
def test_without_a_reload_the_apis_own_poll_is_waited_for(api: Api, status: int) -> None:
    api.reload = status, {"detail": "no"}
    with serving(api) as settings:
        done = promote(api.spec, 2, settings.model_copy(update={"admin_key": SecretStr("wrong")}))
    assert done.served.seconds is not None
    assert ("does not take ADMIN_KEY" in done.served.note) == (status != 503)


def test_a_version_of_other_feature_code_than_the_api_runs_is_refused_before_anything_moves(api: Api) -> None:
    api.code = "other"
    with serving(api) as settings:
        with pytest.raises(NotPromoted, match=r"commit unknown.*release 1\.2\.3 \(commit c0ffee\)") as caught:
            promote(api.spec, 2, settings)
        assert "Deploy the release of commit unknown" in caught.value.remedy
        assert aliases(api) == ("1", "", "2")
        assert len(outcomes(api)) == 2
        promote(api.spec, 2, settings, force=True, reason="it is only a comment")
    assert aliases(api)[0] == "2"


def test_a_version_of_the_feature_code_that_the_api_runs_fits_whatever_code_is_here(api: Api) -> None:
    here = replace(api.spec, features=lambda frame: {**frame, "load": frame["weight"]})
    with pytest.raises(BundleError, match="golden row"):
        promote(here, 2, api.settings)
    with serving(api) as settings:
        assert promote(here, 2, settings).served.seconds is not None


def test_somebody_else_at_the_address_is_no_api_of_the_project(api: Api, spec: ModelSpec) -> None:
    with serving(api) as settings:
        [address] = settings.api_addresses.values()
        assert running.look("another", address) is None
        assert running.look(spec.name, address) is not None


def test_a_champion_that_somebody_else_made_meanwhile_stands(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    third = registered(api.settings, api.spec, "v3", seed=3)

    def refuse(*_: object) -> None:
        registry.point(api.settings, third, registry.CHAMPION)
        raise NotPromoted("no")

    monkeypatch.setattr(running, "await_live", refuse)
    with serving(api) as settings, pytest.raises(NotPromoted, match="no"):
        promote(api.spec, 2, settings)
    assert aliases(api)[0] == "3"


def test_who_waits_is_told_that_another_promotion_came_after(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    third = registered(api.settings, api.spec, "v3", seed=3)
    api.slow, look, looks = 1000, running.look, []

    def overtaken(name: str, address: str) -> running.Running | None:
        looks.append(address)
        if len(looks) == 2:
            registry.point(api.settings, third, registry.CHAMPION)
        return look(name, address)

    monkeypatch.setattr(running, "look", overtaken)
    with serving(api) as settings, pytest.raises(NotPromoted, match=r"Version 3 of .* was made champion meanwhile"):
        promote(api.spec, 2, settings)
    assert aliases(api)[0] == "3"


def test_what_is_no_api_at_all_is_nobody() -> None:
    def answer(page: socket.socket) -> None:
        with page.accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\n<html>")

    with socket.create_server(("127.0.0.1", 0)) as page:
        answering = Thread(target=answer, args=(page,))
        answering.start()
        assert running.look("toylate", f"http://127.0.0.1:{page.getsockname()[1]}") is None
        answering.join()


def broken(folder: Path, outcome: str) -> None:
    """Have the store fail when it is told of an outcome."""
    with sqlite3.connect(folder / "store" / "portfolio.db") as store:
        store.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON model_deployments WHEN NEW.outcome = '{outcome}' "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )


def test_what_the_audit_can_not_be_told_is_not_done(api: Api, tmp_path: Path) -> None:
    broken(tmp_path, "intended")
    with pytest.raises(StoreError, match="the disk is full"):
        promote(api.spec, 2, api.settings)
    assert aliases(api) == ("1", "", "2")
    nowhere = api.settings.model_copy(update={"database_url": "postgresql://127.0.0.1:9/none"})
    with pytest.raises(StoreError, match="does not answer"):
        promote(api.spec, 2, nowhere)
    assert aliases(api) == ("1", "", "2")


def test_aliases_go_back_where_a_step_between_fails(api: Api, tmp_path: Path) -> None:
    broken(tmp_path, "done")
    with pytest.raises(StoreError, match="the disk is full"):
        promote(api.spec, 2, api.settings)
    assert aliases(api) == ("1", "", "2")
    assert outcomes(api)[-1] == ("2", "failed")


def test_an_operator_who_gives_up_leaves_all_as_it_was(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "await_live", give_up)
    with serving(api) as settings, pytest.raises(KeyboardInterrupt):
        promote(api.spec, 2, settings)
    assert aliases(api) == ("1", "", "2")
    last = history(api.spec.name, api.settings)[-1]
    assert (last.outcome, last.detail) == ("failed", "stopped before it was done")


def test_the_first_champion_that_is_refused_leaves_none(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1")
    api = Api(spec, settings, refused=("1",))
    with serving(api) as known, pytest.raises(NotPromoted, match="refuses version 1"):
        promote(spec, 1, known)
    assert registry.champion(spec.name, settings) is None


def test_where_nobody_answers_the_registry_alone_is_changed(api: Api) -> None:
    nobody = {api.spec.name: "http://127.0.0.1:9/"}
    done = promote(api.spec, 2, api.settings.model_copy(update={"api_addresses": nobody}))
    assert done.served.note == "no API answers at http://127.0.0.1:9; it follows the registry when it starts"
    assert history(api.spec.name, api.settings)[-1].detail == done.served.note
    assert champion(api.spec, api.settings).version == "2"
