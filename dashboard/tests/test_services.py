"""Services are asked together, their refusals become words, and a slow one keeps nobody waiting."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from math import inf
from threading import Event

import pytest

from cockpit import services
from cockpit.kept import Kept, read_all
from cockpit.services import Service, ServiceError, together
from tests.answering import serving

PROBLEM = {"detail": "Age is too high.", "remedy": "At most 100.", "errors": [{"field": "Age"}]}


class Api(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1)
        status, body = {
            "/problem": (422, json.dumps(PROBLEM)),
            "/page": (200, "<html>"),
            "/broken": (500, "no JSON"),
        }.get(self.path, (200, json.dumps({"path": self.path})))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Api) as port:
        yield Service.read(f"http://127.0.0.1:{port}=http://shown:1")


def refusal(service: Service, path: str) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        service.get(path)
    return caught.value


def test_an_answer_is_its_json(service: Service) -> None:
    assert service.get("/a", b="c d") == {"path": "/a?b=c+d"}


def test_a_refusal_says_what_is_wrong_and_what_to_do(service: Service) -> None:
    error = refusal(service, "/problem")
    assert (error.words, error.remedy, error.status) == ("Age is too high.", "At most 100.", 422)
    assert error.problems == [{"field": "Age"}]


def test_an_answer_without_words_is_named_by_its_status_and_the_address_people_know(service: Service) -> None:
    assert refusal(service, "/broken").words == "http://shown:1 answered 500."


def test_another_program_at_the_address_is_an_error_in_words(service: Service) -> None:
    assert refusal(service, "/page").words == "http://shown:1 answers, but not as a service of the portfolio."


def test_a_slow_service_is_given_up(service: Service) -> None:
    with pytest.raises(ServiceError, match=r"did not answer within 0\.2 s"):
        service.get("/slow", seconds=0.2)


def test_a_service_that_is_down_is_an_error_with_a_remedy() -> None:
    with serving(Api) as port:
        gone = Service.read(f"http://127.0.0.1:{port}")
    error = refusal(gone, "/health")
    assert error.words == f"http://127.0.0.1:{port} does not answer."
    assert "make health" in error.remedy


def test_questions_are_asked_at_the_same_time_and_an_error_is_an_answer(service: Service) -> None:
    begun = time.monotonic()
    slow = partial(service.get, "/slow", seconds=10)
    first, second, third = together(slow, slow, partial(service.get, "/problem"))
    assert time.monotonic() - begun < 1.9
    assert first == second == {"path": "/slow"}
    assert isinstance(third, ServiceError)


def test_apis_are_listed_with_the_address_that_people_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTFOLIO_APIS", "http://a:1/=http://localhost:8001, http://b:2,")
    assert services.api_services() == [
        Service("http://a:1", "http://localhost:8001"),
        Service("http://b:2", "http://b:2"),
    ]


def test_a_reader_waits_no_longer_than_its_patience_and_gets_the_answer_later() -> None:
    told = Event()

    def ask() -> str:
        told.wait(10)
        return "told"

    kept = Kept(ask, fresh=60)
    begun = time.monotonic()
    assert read_all([kept], patience=0.1) == [None]
    assert time.monotonic() - begun < 5
    told.set()
    assert read_all([kept], patience=5) == ["told"]


def test_what_is_fresh_is_not_asked_again_and_what_is_old_is() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    kept = Kept(ask, fresh=0.2)
    assert [read_all([kept], patience=5) for _ in range(3)] == [[1], [1], [1]]
    time.sleep(0.25)
    assert read_all([kept], patience=5) == [2]


@pytest.mark.parametrize(("lately", "still"), [(0.1, None), (inf, "told")])
def test_what_was_told_is_told_for_as_long_as_it_says_something(lately: float, still: str | None) -> None:
    kept = Kept(lambda: "told", fresh=60, lately=lately)
    assert read_all([kept], patience=5)
    time.sleep(0.15)
    assert kept.read(0) == still


def test_all_are_asked_at_the_same_time() -> None:
    kept = [Kept(lambda: time.sleep(0.3), fresh=60) for _ in range(5)]
    begun = time.monotonic()
    read_all(kept, patience=5)
    assert time.monotonic() - begun < 1.2
