"""What a client got wrong is named, with what is allowed there, and never quoted back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from pydantic import Field
from starlette.types import Message, Scope
from toys import ORDER

from portfolio.errors import RequestRefused
from portfolio.serving.body import read_body
from portfolio.serving.validate import allowed, validate
from portfolio.spec import Column, Request

SECRET = "s3cret-value"


def refusal(client: TestClient, body: bytes) -> dict[str, Any]:
    """The one error of a refused body."""
    answer = client.post("/predict", content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    return dict(error)


def with_raw(field: str, value: bytes) -> bytes:
    """A good order with one field's JSON text replaced."""
    return orjson.dumps(ORDER | {field: "#"}).replace(b'"#"', value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pieces", b"0", "must be at least 1"),
        ("pieces", b"10", "must be at most 9"),
        ("pieces", b"2.5", "must be a whole number"),
        ("pieces", b'"3"', "must be a whole number"),
        ("pieces", b"true", "must be a whole number"),
        ("pieces", b"null", "must be a whole number"),
        ("pieces", b"NaN", "must be a whole number"),
        ("pieces", b"1e400", "must be a whole number"),
        ("weight", b"0", "must be more than 0"),
        ("weight", b'"2.5"', "must be a number"),
        ("weight", b"NaN", "must be a finite number"),
        ("weight", b"-Infinity", "must be a finite number"),
        ("weight", b"1e400", "must be a finite number"),
        ("weight", b"1e39", "too large"),
        ("weight", b"[]", "must be a number"),
        ("colour", b'"green"', "must be one of red, blue"),
        ("colour", b"1", "must be one of red, blue"),
        ("note", b"5", "must be a text"),
        ("note", b'"' + b"x" * 21 + b'"', "must have at most 20 characters"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(client: TestClient, field: str, value: bytes, message: str) -> None:
    error = refusal(client, with_raw(field, value))
    assert (error["field"], error["message"]) == (field, message)


def test_the_detail_of_an_empty_text_is_a_sentence() -> None:
    class Named(Request):
        """A text that is required."""

        name: str = Field(min_length=1)

    with pytest.raises(RequestRefused, match=r"^name may not be empty\."):
        validate(Named, b'{"name": ""}')


def test_a_missing_field_is_named(client: TestClient) -> None:
    error = refusal(client, b'{"pieces": 3}')
    assert (error["field"], error["message"]) == ("colour", "missing")


def test_an_unknown_field_is_named_beside_the_one_it_resembles(client: TestClient) -> None:
    error = refusal(client, orjson.dumps(ORDER | {"wieght": 1}))
    assert (error["field"], error["message"]) == ("wieght", "an unknown field, perhaps weight")


def test_a_long_unknown_name_is_cut(client: TestClient) -> None:
    assert len(refusal(client, orjson.dumps(ORDER | {"x" * 5000: 1}))["field"]) == 64


def test_every_broken_rule_is_named(client: TestClient) -> None:
    answer = client.post("/predict", json={"pieces": 0, "weight": -1, "colour": "green"}).json()
    assert [error["field"] for error in answer["errors"]] == ["pieces", "weight", "colour"]


def test_the_sentence_names_the_first_error(client: TestClient) -> None:
    assert client.post("/predict", json=ORDER | {"pieces": 0}).json()["detail"] == "pieces must be at least 1."


@pytest.mark.parametrize("body", [b"[1, 2]", b"7", b'"text"', b"null", b"NaN"])
def test_what_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    assert refusal(client, body)["message"] == "must be a JSON object"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"pieces": 3} x',
        b'{"pieces": \xff}',
        b'{"note": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"[" * 5000,
        with_raw("pieces", b"9" * 5000),
        with_raw("weight", b"9" * 5000),
        with_raw("note", rb'"\ud800"'),
    ],
)
def test_what_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/predict", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "not valid JSON" in answer.json()["detail"]


@pytest.mark.parametrize("field", ["pieces", "weight", "colour", "note"])
def test_no_value_is_quoted_back(client: TestClient, field: str) -> None:
    answer = client.post("/predict", json=ORDER | {field: SECRET * 5})
    assert answer.status_code == 422
    assert SECRET not in answer.text


def test_the_value_of_an_unknown_field_is_not_quoted_back(client: TestClient) -> None:
    assert SECRET not in client.post("/predict", json=ORDER | {"password": SECRET}).text


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json; charset=latin-1", "application/jsonx", ""]
)
def test_what_does_not_call_itself_json_is_refused(client: TestClient, content_type: str) -> None:
    answer = client.post("/predict", content=orjson.dumps(ORDER), headers={"content-type": content_type})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["remedy"]


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
def test_json_by_any_spelling_is_taken(client: TestClient, content_type: str) -> None:
    answer = client.post("/predict", content=orjson.dumps(ORDER), headers={"content-type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_body_beyond_64_kb_is_refused(client: TestClient, path: str) -> None:
    answer = client.post(path, content=b" " * 65_537)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body is larger than 64 KB."


def test_a_body_of_64_kb_is_read(client: TestClient) -> None:
    body = orjson.dumps(ORDER)
    assert client.post("/predict", content=body + b" " * (65_536 - len(body))).status_code == 200


class Endless:
    """A client that never stops sending, and says that it sends little."""

    def __init__(self) -> None:
        self.sent = 0

    async def receive(self) -> Message:
        self.sent += 10_000
        return {"type": "http.request", "body": b" " * 10_000, "more_body": True}


def headed(*headers: tuple[bytes, bytes], http_version: str = "1.1") -> Scope:
    """The part of a request that comes before its body."""
    return {"type": "http", "http_version": http_version, "headers": list(headers)}


async def never() -> Message:
    """A connection that must not be read from."""
    raise AssertionError


async def gone() -> Message:
    """A client that has left."""
    return {"type": "http.disconnect"}


@pytest.mark.anyio
async def test_reading_stops_at_the_limit_whatever_the_content_length_says() -> None:
    client = Endless()
    with pytest.raises(RequestRefused, match="larger than 64 KB"):
        await read_body(headed((b"content-length", b"10")), client.receive, 65_536)
    assert client.sent == 70_000


@pytest.mark.anyio
async def test_nothing_is_read_where_the_content_length_is_beyond_the_limit() -> None:
    with pytest.raises(RequestRefused, match="larger than 64 KB"):
        await read_body(headed((b"content-length", b"65537")), never, 65_536)


@pytest.mark.anyio
@pytest.mark.parametrize("scope", [headed((b"connection", b"close")), headed(http_version="1.0")])
async def test_on_a_connection_that_closes_the_rest_is_read_and_thrown_away_within_bounds(scope: Scope) -> None:
    client = Endless()
    with pytest.raises(RequestRefused, match="larger than 64 KB"):
        await read_body(scope, client.receive, 65_536)
    assert client.sent == pytest.approx(32 * 1024 * 1024, abs=10_000)


@pytest.mark.anyio
async def test_a_client_that_leaves_ends_the_reading() -> None:
    with pytest.raises(RequestRefused, match="closed"):
        await read_body(headed(), gone, 65_536)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Column("a", numeric=True, whole=True, low=1, high=9), "a whole number from 1 to 9"),
        (Column("a", numeric=True, low=0, low_open=True), "a number, more than 0"),
        (Column("a", numeric=True, low=0, high=1, high_open=True), "a number, at least 0 and less than 1"),
        (Column("a", numeric=True, high=1_000_000, optional=True), "a number, at most 1000000, or nothing"),
        (Column("a", numeric=False, choices=("x", "y")), "one of x, y"),
        (Column("a", numeric=False, max_length=20), "a text of at most 20 characters"),
        (Column("a", numeric=False, optional=True), "a text, or nothing"),
    ],
)
def test_what_is_allowed_is_told_in_words(column: Column, text: str) -> None:
    assert allowed(column) == text
