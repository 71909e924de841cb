"""Over a real connection: predictions past ASGI are the route's own answers, in order, whatever bytes come when."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services import Reply, Service, Wire, post, running
from toys import ORDER, orders

from portfolio.spec import ModelSpec

SHORT, ROUTE = "/predict", "/predict?"  # a question mark with nothing behind it: the same request, by the router
BODY = orjson.dumps(ORDER)


@pytest.fixture(scope="module")
def service(spec: ModelSpec) -> Iterator[Service]:
    """Two connections stay open beside the test's own, so that what is asked waits for its turn."""
    with running(spec) as service, Wire(service.port), Wire(service.port):
        yield service


@pytest.fixture
def wire(service: Service) -> Iterator[Wire]:
    with Wire(service.port) as wire:
        yield wire


def ask(wire: Wire, content: bytes) -> Reply:
    """One request, one answer."""
    wire.send(content)
    reply = wire.read()
    assert reply is not None, "the connection was closed"
    return reply


def lasting(reply: Reply) -> tuple[int, dict[str, str], Any]:
    """What two answers to the same question have in common."""
    names = ("content-type", "connection")
    body = {k: v for k, v in reply.json().items() if k not in ("prediction_id", "request_id")}
    return reply.status, {name: reply.headers.get(name, "") for name in names}, body


def as_json(row: Any) -> bytes:
    """JSON as Python writes it, NaN and numbers of any length included."""
    return json.dumps(row).encode()


cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)
objects = st.dictionaries(st.sampled_from([*ORDER, "unheard_of"]), cells)
changed = st.dictionaries(st.sampled_from([*ORDER, "unheard_of"]), cells, max_size=2).map(lambda cells: ORDER | cells)
valid = st.integers(0, 10_000).map(lambda seed: orders(1, seed=seed)[0])
bodies = st.one_of(
    valid.map(as_json),
    changed.map(as_json),
    objects.map(as_json),
    st.binary(max_size=60),
    valid.map(lambda row: as_json(row)[:-1]),
    st.sampled_from([b"", b"{}", b"[]", b"null", b'{"pieces": NaN}', b"\xef\xbb\xbf{}", b'{"weight": 1e39}']),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
def test_both_ways_give_the_same_answer(service: Service, body: bytes) -> None:
    with Wire(service.port) as wire:
        assert lasting(ask(wire, post(body, SHORT))) == lasting(ask(wire, post(body, ROUTE)))


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"x_request_id": "mine"},
        {"connection": "close"},
        {"expect": "100-continue"},
        {"content_type": "application/json; charset=utf-8"},
    ],
    ids=str,
)
def test_both_ways_treat_headers_alike(service: Service, headers: dict[str, str]) -> None:
    replies = []
    for path in (SHORT, ROUTE):
        with Wire(service.port) as wire:
            wire.send(post(BODY, path, **headers))
            reply = wire.read_final()
            assert reply is not None
            replies.append(reply)
    assert lasting(replies[0]) == lasting(replies[1])
    if "x_request_id" in headers:
        assert [reply.headers["x-request-id"] for reply in replies] == ["mine", "mine"]


@pytest.mark.parametrize("size", [64 * 1024 + 1, 3_000_000])
def test_both_ways_refuse_what_is_too_large(service: Service, size: int) -> None:
    replies = []
    for path in (SHORT, ROUTE):
        with Wire(service.port) as wire:
            replies.append(ask(wire, post(b" " * size, path)))
    assert lasting(replies[0]) == lasting(replies[1])
    assert replies[0].status == 413


def test_a_chunked_body_is_answered(wire: Wire) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert ask(wire, head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)).status == 200


def test_bytes_may_come_one_by_one(wire: Wire) -> None:
    content = post(BODY)
    for place in range(len(content)):
        wire.send(content[place : place + 1])
    reply = wire.read()
    assert reply is not None
    assert reply.status == 200


def test_answers_come_in_the_order_of_the_requests(wire: Wire) -> None:
    """Pipelined: predictions, routes and refusals, all sent before anything is read."""
    health = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    asked = [post(BODY), health, post(BODY), post(b"{"), health, post(BODY, ROUTE), post(BODY), post(BODY)] * 5
    wire.send(b"".join(asked))
    replies = [wire.read() for _ in asked]
    assert all(replies)
    kinds = ["health" if b"uptime" in r.body else r.status for r in replies if r]
    assert kinds == [200, "health", 200, 400, "health", 200, 200, 200] * 5


def test_a_connection_is_kept(wire: Wire) -> None:
    assert [ask(wire, post(BODY)).status for _ in range(100)] == [200] * 100


def test_a_client_that_goes_away_harms_nobody(service: Service, wire: Wire) -> None:
    for _ in range(20):
        with Wire(service.port) as gone:
            gone.send(post(BODY) * 3)
        with Wire(service.port) as gone:
            gone.send(post(BODY)[:-5])
    assert ask(wire, post(BODY)).status == 200


def test_every_answer_has_an_id_of_its_own(wire: Wire) -> None:
    replies = [ask(wire, post(BODY)) for _ in range(50)]
    assert len({reply.headers["x-request-id"] for reply in replies}) == 50
    assert len({reply.json()["prediction_id"] for reply in replies}) == 50


def test_a_number_too_large_for_the_model_spoils_no_other_request(service: Service) -> None:
    """Sent in one burst while others could still ask, so they share a turn."""
    huge = orjson.dumps(ORDER | {"weight": 1e39})
    with Wire(service.port) as wire:
        wire.send(post(BODY) + post(huge) + post(BODY))
        assert [reply.status for reply in (wire.read(), wire.read(), wire.read()) if reply] == [200, 422, 200]


@pytest.fixture
def narrow(spec: ModelSpec) -> Iterator[Service]:
    """A service that takes four connections."""
    with running(spec, MAX_CONNECTIONS="4") as service:
        time.sleep(0.2)  # the connection that asked whether it answers is gone
        yield service


def test_one_connection_too_many_is_sent_away_and_the_others_go_on(narrow: Service) -> None:
    kept = [Wire(narrow.port) for _ in range(4)]
    assert [ask(wire, post(BODY)).status for wire in kept] == [200] * 4
    with Wire(narrow.port) as fifth:
        refused = ask(fifth, post(BODY))
        assert fifth.read() is None  # closed
    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["title"] == "Overloaded"
    assert [ask(wire, post(BODY)).status for wire in kept] == [200] * 4
    for path in ("/health", "/health/live", "/v2/health/ready", "/ping", "/metrics"):
        with Wire(narrow.port) as watcher:
            watched = ask(watcher, f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            assert watched.status == 200
    assert b'http_requests_total{endpoint="unmatched",method="POST",status="5xx"} 1.0' in watched.body
    kept.pop().__exit__()
    time.sleep(0.2)
    with Wire(narrow.port) as now:
        assert ask(now, post(BODY)).status == 200
    for wire in kept:
        wire.__exit__()


@pytest.fixture
def hasty(spec: ModelSpec) -> Iterator[Service]:
    """A service that waits a second for a request."""
    with running(spec, READ_SECONDS="1", MAX_CONNECTIONS="2") as service:
        time.sleep(0.2)
        yield service


@pytest.mark.parametrize(
    "begun", [b"", b"POST /predict HTTP/1.1\r\nhost:", post(BODY)[:-3]], ids=["no", "head", "body"]
)
def test_who_holds_a_connection_without_asking_gives_it_up(hasty: Service, begun: bytes) -> None:
    with Wire(hasty.port) as one, Wire(hasty.port) as other:
        one.send(begun)
        other.send(begun)
        assert [one.read(), other.read()] == [None, None]
    with Wire(hasty.port) as wire:
        assert ask(wire, post(BODY)).status == 200


def test_a_request_that_follows_slowly_on_a_kept_connection_is_waited_for(service: Service) -> None:
    """Longer than uvicorn keeps an idle connection."""
    content = post(BODY)
    with Wire(service.port) as wire:
        assert ask(wire, content + content[:20]).status == 200
        time.sleep(6)
        assert ask(wire, content[20:]).status == 200


def test_an_endless_head_is_refused(wire: Wire) -> None:
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        send_without_end(wire)


def send_without_end(wire: Wire) -> None:
    """A head that goes on until the server has enough of it, or for 12 MB."""
    wire.send(b"GET /health HTTP/1.1\r\nhost: x\r\n")
    for _ in range(200):
        wire.send(b"x-more: " + b"x" * 60_000 + b"\r\n")
        time.sleep(0.01)


def test_what_was_asked_before_garbage_is_answered(wire: Wire) -> None:
    wire.send(post(BODY) + b"this is no HTTP\r\n\r\n")
    replies = [wire.read(), wire.read()]
    assert [reply.status for reply in replies if reply] == [200, 400]


def test_batches_beyond_those_that_memory_is_held_for_are_sent_away(service: Service) -> None:
    """Each of the first eight has begun to send its body, and holds its place."""
    content = post(b'{"instances": []}' + b" " * 100, "/predict/batch")
    wires = [Wire(service.port) for _ in range(9)]
    for wire in wires[:8]:
        wire.send(content[:-50])
    time.sleep(0.5)
    refused = ask(wires[8], content)
    assert (refused.status, refused.headers["retry-after"], refused.json()["title"]) == (503, "1", "Overloaded")
    wires[0].send(content[-50:])
    answered = wires[0].read()
    assert answered is not None
    assert answered.status == 422
    assert ask(wires[8], content).status == 422
    for wire in wires:
        wire.__exit__()
