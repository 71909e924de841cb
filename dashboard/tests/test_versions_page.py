"""The page Versions: what it shows, and acts that need a key and a typed confirmation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from overseer import Asked, Told, both, opened, said
from registered import told, version
from streamlit.testing.v1 import AppTest

from cockpit.versions import change, page

KEY = "a-key-of-the-test"
CHANGED = {
    "project": "toy",
    "champion": "2",
    "before": "1",
    "served_after_seconds": 1.5,
    "sentence": "2 is the champion",
}
BLOCKED = {
    "detail": "The gate has blocked version 2.",
    "remedy": "`portfolio promote toy --force --reason TEXT` takes it.",
}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Told, Told]]:
    page.versions.clear()
    with both() as (overseer, api):
        monkeypatch.setenv("MONITORING_URL", overseer.address)
        overseer.answers = {"GET /versions/toy": (200, told())}
        api.answers = {"GET /health": (200, {"status": "healthy", "model_version": "1"})}
        yield overseer, api


def accept(overseer: Told, api: Told, path: str = "promote") -> None:
    """Do what is asked for, if the key is right; the API serves it then."""

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("x-api-key") != KEY:
            return 401, {"detail": "The admin key is missing or wrong.", "remedy": "Send it as X-API-Key."}
        api.answers["GET /health"] = (200, {"status": "healthy", "model_version": "2"})
        overseer.answers["GET /versions/toy"] = (200, told(champion="2"))
        return 200, CHANGED

    overseer.answers[f"POST /versions/toy/{path}"] = answer


def fill(app: AppTest, **said: str) -> AppTest:
    for part, value in ({"reason": "it is better", "key": KEY, "confirmation": "toy"} | said).items():
        app.text_input(key=f"versions-{part}-toy").set_value(value)
    return app.button[0].click().run()


def test_the_first_button_is_the_one_that_acts(services: tuple[Told, Told]) -> None:
    assert opened("versions", services[1]).button[0].label == "Promote version 2"


def test_the_page_shows_versions_and_audit(services: tuple[Told, Told]) -> None:
    app = opened("versions", services[1])
    assert not app.exception
    table, audit = (each.value for each in app.dataframe)
    assert table["Live"].tolist() == ["", "", "live"]
    assert table["Alias"].tolist() == ["", "challenger", "champion"]
    assert table["Gate says"].tolist() == ["not judged", "block", "promote"]
    assert audit["What"].tolist() == ["promote 1 → 2, forced"]
    assert audit["Served after"].tolist() == ["2.0 s"]


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ({"key": ""}, "Type the admin key."),
        ({"key": "kéy"}, "a character that no key has"),
        ({"confirmation": ""}, "Type toy to confirm."),
        ({"confirmation": "Toy"}, "Type toy to confirm."),
        ({"reason": "  "}, "Give a reason"),
        ({"user": "Änn"}, "A name has letters of ASCII"),
    ],
)
def test_what_is_not_said_in_full_is_not_sent(
    services: tuple[Told, Told], left_out: dict[str, str], words: str
) -> None:
    overseer, api = services
    accept(overseer, api)
    app = fill(opened("versions", api), **left_out)
    assert not app.exception
    assert words in said(app)
    assert overseer.posts == []


def test_a_promotion_is_one_request_and_is_looked_up_at_the_api(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api)
    app = fill(opened("versions", api), user="ann@example.org")
    assert not app.exception
    (asked,) = overseer.posts
    assert (asked.path, asked.query) == ("/versions/toy/promote", "")
    assert asked.body == {"version": "2", "reason": "it is better"}
    assert (asked.headers["x-api-key"], asked.headers["x-user"]) == (KEY, "ann@example.org")
    assert "The API serves version 2 after 1.5 s: its /health says so." in said(app)


def test_nothing_is_sent_again_by_drawing_the_page_anew(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api)
    fill(opened("versions", api)).run().run()
    assert len(overseer.posts) == 1


def test_the_key_is_gone_after_use(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api)
    app = fill(opened("versions", api))
    assert app.text_input(key="versions-key-toy").value == ""
    assert KEY not in repr(app.session_state._state.filtered_state)
    assert KEY not in str(app.query_params)
    assert KEY not in repr(change.Wish("toy", "promote", "2", "why", KEY))


def test_a_wrong_key_is_told_with_what_to_do(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api)
    app = fill(opened("versions", api), key="another")
    assert len(overseer.posts) == 1
    assert "The admin key is missing or wrong. Type the ADMIN_KEY" in said(app)
    assert not app.success


def test_an_api_that_still_serves_the_old_version_is_told(
    monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]
) -> None:
    overseer, api = services
    monkeypatch.setattr(change, "SERVED_SECONDS", 0.5)
    accept(overseer, api)
    overseer.answers["GET /versions/toy"] = (200, told(champion="2"))
    api.answers["GET /health"] = (200, {"status": "healthy", "model_version": "1"})
    overseer.answers["POST /versions/toy/promote"] = (200, CHANGED)
    page.versions.clear()
    app = opened("versions", api)
    app.selectbox(key="versions-version-promote-toy").select("3").run()
    fill(app)
    assert not app.success
    assert "still says version 1" in said(app)


def test_an_outcome_is_told_until_something_else_is_wanted_or_done(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api)
    app = fill(opened("versions", api))
    assert "Version 2 of toy is the champion" in said(app)
    overseer.answers["GET /versions/toy"] = (200, told(champion="1"))  # somebody went back
    page.versions.clear()
    assert "Version 2 of toy is the champion" not in said(app.run())
    fill(app, key="another")
    assert "Not done:" in said(app)
    app.segmented_control(key="versions-action-toy").set_value("roll back").run()
    assert "Not done:" not in said(app)


def test_a_rollback_names_where_to(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api, "rollback")
    app = opened("versions", api)
    app.segmented_control(key="versions-action-toy").set_value("roll back").run()
    fill(app)
    app.selectbox(key="versions-version-roll back-toy").select("3").run()
    fill(app)
    asked = [(asked.path, asked.body["to"]) for asked in overseer.posts]
    assert asked == [("/versions/toy/rollback", ""), ("/versions/toy/rollback", "3")]


def test_force_is_offered_only_after_a_refusal_that_names_it(services: tuple[Told, Told]) -> None:
    overseer, api = services
    overseer.answers["POST /versions/toy/promote"] = (409, BLOCKED)
    app = opened("versions", api)
    assert not [each for each in app.checkbox if "Force" in each.label]
    fill(app)
    assert "Not done: The gate has blocked version 2." in said(app)
    assert "force" not in overseer.posts[0].body
    app.selectbox(key="versions-version-promote-toy").select("3").run()
    assert not [each for each in app.checkbox if "Force" in each.label], "it is for the version that was refused"
    app.selectbox(key="versions-version-promote-toy").select("2").run()
    app.checkbox(key="versions-force-toy").check()
    fill(app)
    assert overseer.posts[1].body["force"] is True


def test_another_refusal_offers_no_force(services: tuple[Told, Told]) -> None:
    overseer, api = services
    overseer.answers["POST /versions/toy/promote"] = (409, {"detail": "Busy.", "remedy": "Try again."})
    app = fill(opened("versions", api))
    assert "Not done: Busy. Try again." in said(app)
    assert not [each for each in app.checkbox if "Force" in each.label]


def test_a_service_that_hangs_says_that_the_audit_tells(
    monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]
) -> None:
    overseer, api = services
    monkeypatch.setattr(change, "CHANGE_SECONDS", 0.2)

    def hang(_: Asked) -> tuple[int, Any]:
        time.sleep(1.0)
        return 200, CHANGED

    overseer.answers["POST /versions/toy/promote"] = hang
    assert "Whether anything changed, the audit below tells" in said(fill(opened("versions", api)))


def test_one_version_alone_can_be_neither_compared_nor_promoted(services: tuple[Told, Told]) -> None:
    overseer, api = services
    only = told(versions=[version("1", aliases=["champion"])], challenger="", audit=[], live_versions=None)
    overseer.answers["GET /versions/toy"] = (200, only)
    app = opened("versions", api)
    assert not app.exception
    assert "There is no version beside the champion" in said(app)
    assert "The API does not answer, so which version is live is not known" in said(app)
    assert "Compare two versions" not in [each.value for each in app.subheader]


def test_versions_that_are_not_known_leave_the_labels(
    monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]
) -> None:
    monkeypatch.setenv("MONITORING_URL", "http://127.0.0.1:9")
    app = opened("versions", services[1])
    assert not app.exception
    assert "The versions are not known" in said(app)
    assert [each.value for each in app.subheader] == ["Bring labels"]
