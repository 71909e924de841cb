"""Labels in a file: what is sent, what became of each line, and what a person is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from overseer import Asked, Told, both, opened, said
from streamlit.testing.v1 import AppTest

from cockpit.services import Service
from cockpit.table import TableError
from cockpit.versions import labels

KEY = "a-key-of-the-test"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Told, Told]]:
    with both() as (overseer, api):
        monkeypatch.setenv("MONITORING_URL", overseer.address)
        yield overseer, api


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
        (b"", "no rows"),
        (b"a,b\n1,2", "lacks prediction_id, true_label. It has columns that no label has: a, b."),
        (b"prediction_id|true_label\n1|2", "lacks prediction_id, true_label"),
        (b"prediction_id,true_label\n", "no rows"),
        (b"prediction_id,true_label,true_label\n1,2,3", "named twice"),
        ("prediction_id,true_label\n\xe4,1".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_without_labels_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words):
        labels.read(content)


def test_a_line_is_named_by_its_number_in_the_file() -> None:
    content = b'prediction_id;true_label;label_source\n\na;1;"two\nlines"\n\nb;yes;crm\n'
    assert [(line.number, line.cells["prediction_id"], bool(line.reason)) for line in labels.read(content)] == [
        (3, "a", False),
        (6, "b", True),
    ]


def upload(app: AppTest, content: bytes) -> AppTest:
    app.file_uploader[0].upload("labels.csv", content).run()
    return app.button(key="labels-send-toy").click().run()


def test_an_upload_shows_its_counts_and_its_problems(services: tuple[Told, Told]) -> None:
    _, api = services
    outcomes(api, by_id={"a": "recorded", "b": "unknown"})
    app = upload(opened("versions", api), csv_of("a,1", "b,0"))
    assert not app.exception
    assert len(api.posts) == 1
    assert "1 line was not recorded" in said(app)
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
