"""The page Versions: comparison by direction, acts that need a key and a typed confirmation, and labels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from overseer import Asked, Told, both, opened, said
from streamlit.testing.v1 import AppTest

from cockpit import change, labels
from cockpit.comparison import compare, judge
from cockpit.pages import versions as page
from cockpit.services import Service

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


def figure(value: float, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": low, "high": high}


def version(number: str, **more: Any) -> dict[str, Any]:
    return {
        "version": number,
        "bundle": f"bundle-{number}",
        "aliases": [],
        "verdict": "promote",
        "metrics": {"roc_auc": figure(0.8, 0.78, 0.82)},
        "data": "toys",
        "created": "2026-05-01T12:00:00Z",
        "signed_by": "5a4e51f9cbb4",
        "promoted_at": "",
        "archived_at": "",
    } | more


LINE = {
    "at": "2026-05-01T12:00:00Z",
    "who": "ann",
    "action": "promote",
    "outcome": "live",
    "from_version": "1",
    "to_version": "2",
    "reason": "better <b>",
    "forced": True,
    "detail": "",
    "seconds": 2.0,
}


def told(**more: Any) -> dict[str, Any]:
    listed = [version("3"), version("2", aliases=["challenger"]), version("1", aliases=["champion"])]
    return {
        "project": "toy",
        "champion": "1",
        "challenger": "2",
        "live_versions": ["1"],
        "versions": listed,
        "audit": [LINE],
    } | more


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
        return 200, CHANGED

    overseer.answers[f"POST /versions/toy/{path}"] = answer


def fill(app: AppTest, **said: str) -> AppTest:
    for part, value in ({"reason": "it is better", "key": KEY, "confirmation": "toy"} | said).items():
        app.text_input(key=f"versions-{part}-toy").set_value(value)
    return app.button[0].click().run()


def test_the_first_button_is_the_one_that_acts(services: tuple[Told, Told]) -> None:
    assert opened("versions", services[1]).button[0].label == "Promote version 2"


@pytest.mark.parametrize(
    ("metric", "first", "second", "judged"),
    [
        ("roc_auc", 0.8, 0.9, "better"),
        ("roc_auc", 0.9, 0.8, "worse"),
        ("brier", 0.1, 0.2, "worse"),
        ("mae", 2000.0, 1900.0, "better"),
        ("coverage", 0.9, 0.81, "better"),
        ("coverage", 0.8, 0.95, "worse"),
        ("roc_auc", 0.8, 0.8, "equal"),
        ("novelty", 1.0, 2.0, "unknown"),
    ],
)
def test_better_is_what_a_metrics_direction_says(metric: str, first: float, second: float, judged: str) -> None:
    assert judge(metric, first, second, aim=0.8) == judged


def test_two_versions_differ_by_second_less_first_and_chance_is_told() -> None:
    (line,) = compare({"mae": figure(2000, 1900, 2100)}, {"mae": figure(1950, 1850, 2050)}, aim=None)
    assert (line.difference, line.judged, line.overlap) == (-50, "better", True)
    (apart,) = compare({"mae": figure(2000, 1990, 2010)}, {"mae": figure(1950, 1940, 1960)}, aim=None)
    assert apart.overlap is False
    (missing,) = compare({"f1": figure(0.5)}, {}, aim=None)
    assert (missing.difference, missing.judged) == (None, "unknown")


def test_the_comparison_is_told_in_a_table_without_markup_of_others() -> None:
    lines = compare({"<i>": figure(1.0)}, {"<i>": figure(2.0)}, aim=None)
    table = page.comparison_table(lines, ("<1>", "2"), "")
    assert "<i>" not in table
    assert "&lt;i&gt;" in table
    assert "&lt;1&gt;" in table


def test_the_page_shows_versions_and_audit(services: tuple[Told, Told]) -> None:
    app = opened("versions", services[1])
    assert not app.exception
    table, audit = (each.value for each in app.dataframe)
    assert table["Live"].tolist() == ["", "", "live"]
    assert table["Alias"].tolist() == ["", "challenger", "champion"]
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
    overseer.answers["POST /versions/toy/promote"] = (200, CHANGED)
    app = fill(opened("versions", api))
    assert not app.success
    assert "still says version 1" in said(app)


def test_a_rollback_names_where_to(services: tuple[Told, Told]) -> None:
    overseer, api = services
    accept(overseer, api, "rollback")
    app = opened("versions", api)
    app.segmented_control(key="versions-action-toy").set_value("roll back").run()
    fill(app)
    app.selectbox(key="versions-version-roll back-toy").select("2").run()
    fill(app)
    assert [(asked.path, asked.body["to"]) for asked in overseer.posts] == [("/versions/toy/rollback", "")] * 1 + [
        ("/versions/toy/rollback", "2")
    ]


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


def csv_of(*rows: str, head: str = "prediction_id,true_label") -> bytes:
    return "\n".join((head, *rows)).encode()


def outcomes(api: Told, *, by_id: dict[str, str], refuse: tuple[str, ...] = ()) -> None:
    """POST /labels as the service does it: one wrong label refuses all, else each has its outcome."""

    def answer(asked: Asked) -> tuple[int, Any]:
        rows = asked.body["labels"]
        wrong = [
            {"index": index, "field": "true_label", "message": "must be 0 or 1", "allowed": "0 or 1"}
            for index, row in enumerate(rows)
            if row["prediction_id"] in refuse
        ]
        if wrong:
            return 422, {"detail": "Row 0: no.", "errors": wrong[:2]}
        made = [{"prediction_id": row["prediction_id"], "outcome": by_id[row["prediction_id"]]} for row in rows]
        return 200, {"labels": made, "counts": {}}

    api.answers["POST /labels"] = answer


def test_what_became_of_each_label_is_counted_and_problems_are_kept(services: tuple[Told, Told]) -> None:
    _, api = services
    outcomes(api, by_id={"a": "recorded", "b": "unknown", "c": "conflict", "f": "repeated"}, refuse=("d", "g", "h"))
    lines = labels.read(csv_of("a,1", "b,0", "c,1", "d,7", "e,yes", "f,0", "g,8", "h,9"))
    sent = labels.send(lines, Service(api.address, ""), told=lambda _: None)
    assert dict(sent.counts) == {"recorded": 1, "unknown": 1, "conflict": 1, "repeated": 1, "refused": 4}
    assert {each.line.number: each.outcome for each in sent.problems} == {
        3: "unknown",
        4: "conflict",
        5: "refused",
        6: "refused",
        8: "refused",
        9: "refused",
    }
    assert "d,7,,,5,refused,true_label must be 0 or 1" in labels.rejected_csv(sent.problems)
    assert sent.trouble is None


def test_what_was_not_recorded_can_be_sent_again_as_it_is_listed() -> None:
    listed = labels.rejected_csv([labels.Problem(labels.read(csv_of("a,1"))[0], "unknown", "why")])
    (again,) = labels.read(listed.encode())
    assert again.label == {"prediction_id": "a", "true_label": 1}


def test_many_labels_go_in_parts_with_progress(monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]) -> None:
    _, api = services
    monkeypatch.setattr(labels, "PART", 2)
    outcomes(api, by_id=dict.fromkeys("abcde", "recorded"))
    progress: list[int] = []
    sent = labels.send(
        labels.read(csv_of(*(f"{each},1" for each in "abcde"))), Service(api.address, ""), told=progress.append
    )
    assert sent.counts["recorded"] == 5
    assert [len(asked.body["labels"]) for asked in api.posts] == [2, 2, 1]
    assert progress == [2, 4, 5]


def test_a_store_that_is_away_stops_and_says_what_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, services: tuple[Told, Told]
) -> None:
    _, api = services
    monkeypatch.setattr(labels, "PART", 1)
    api.answers["POST /labels"] = (503, {"detail": "The store is away.", "remedy": "Try later."})
    sent = labels.send(labels.read(csv_of("a,1", "b,1")), Service(api.address, ""), told=lambda _: None)
    assert sent.trouble is not None
    assert (sent.trouble.words, sent.counts["not sent"], len(api.posts)) == ("The store is away.", 2, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must name the columns"),
        (b"a,b\n1,2", "not so: a, b, prediction_id, true_label"),
        (b"prediction_id;true_label\n1;2", "must name the columns"),
        (b"prediction_id,true_label\n", "no label in this file"),
        (b"prediction_id,true_label,true_label\n1,2,3", "there twice"),
    ],
)
def test_a_file_without_labels_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(labels.NoLabels, match=words):
        labels.read(content)


def upload(app: AppTest, content: bytes) -> AppTest:
    app.file_uploader[0].upload("labels.csv", content).run()
    return app.button(key="labels-send-toy").click().run()


def test_an_upload_shows_its_counts_and_its_problems(services: tuple[Told, Told]) -> None:
    _, api = services
    outcomes(api, by_id={"a": "recorded", "b": "unknown"})
    app = upload(opened("versions", api), csv_of("a,1", "b,0"))
    assert not app.exception
    assert len(api.posts) == 1
    assert "1 lines were not recorded" in said(app)
    assert "x-api-key" not in api.posts[0].headers
    assert api.posts[0].query == ""


def test_replacing_needs_a_key_and_sends_it(services: tuple[Told, Told]) -> None:
    _, api = services
    outcomes(api, by_id={"a": "replaced"})
    app = opened("versions", api)
    app.checkbox(key="labels-replace-toy").check().run()
    upload(app, csv_of("a,1"))
    assert api.posts == []
    assert "Type the admin key." in said(app)
    app.text_input(key="labels-key-toy").set_value(KEY)
    app.button(key="labels-send-toy").click().run()
    (asked,) = api.posts
    assert (asked.query, asked.headers["x-api-key"]) == ("on_conflict=replace", KEY)
    assert app.text_input(key="labels-key-toy").value == ""
