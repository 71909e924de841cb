"""The services of the portfolio, over HTTP: where they are, how they are asked, and errors in words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2

APIS = "http://localhost:8001,http://localhost:8002,http://localhost:8003"
MONITORING, MLFLOW = "http://localhost:8010", "http://localhost:5000"
LOOK_SECONDS = 1.5  # a service that is down shall not keep a page waiting
WORK_SECONDS = 60.0  # for what is worth waiting for: scoring a file, promoting
IDLE_SECONDS = (
    2.0  # uvicorn closes an idle link after 5 s; one that is closed while it is used would look like a failure
)
Body = Mapping[str, Any]


class ServiceError(Exception):
    """A service that does not do what it was asked. `problems` are the fields that it names, where it names some."""

    def __init__(self, words: str, remedy: str = "", *, status: int = 0, problems: Sequence[Body] = ()) -> None:
        super().__init__(words)
        self.words, self.remedy, self.status, self.problems = words, remedy, status, problems

    @property
    def rows(self) -> dict[int, str]:
        """What is wrong with rows that were sent together, by their place; empty where it names none."""
        found: dict[int, list[str]] = {}
        for problem in self.problems:
            if isinstance(problem.get("index"), int):
                found.setdefault(problem["index"], []).append(f"{problem['field']} {said(problem)}")
        return {place: "; ".join(each) for place, each in found.items()}


def said(problem: Body) -> str:
    """What is wrong with a field, and what it may be."""
    message, allowed = str(problem.get("message", "")), str(problem.get("allowed", ""))
    message = message if message.startswith(("must", "may")) else f"is {message}"
    return f"{message} ({allowed})" if allowed and allowed not in message else message


@dataclass(frozen=True)
class Service:
    """`address` is where the dashboard asks, `shown` what a person opens in a browser."""

    address: str
    shown: str

    @classmethod
    def read(cls, entry: str) -> Service:
        """Of `address` or `address=shown`."""
        address, _, shown = entry.strip().partition("=")
        return cls(address.rstrip("/"), (shown or address).rstrip("/"))

    def get(self, path: str, *, seconds: float = LOOK_SECONDS, **params: Any) -> Any:
        """The JSON of a GET. Raises ServiceError."""
        return self._json(self._ask("GET", path, seconds=seconds, params=params))

    def text(self, path: str) -> str:
        """The text of a GET. Raises ServiceError."""
        return self._ask("GET", path, seconds=LOOK_SECONDS).text

    def post(
        self, path: str, body: Any, *, key: str = "", user: str = "", seconds: float = WORK_SECONDS, **params: Any
    ) -> Any:
        """The JSON of a POST of JSON; `key` is sent as X-API-Key, `user` as X-User. Raises ServiceError."""
        headers = {name: value for name, value in (("X-API-Key", key), ("X-User", user)) if value}
        return self._json(self._ask("POST", path, seconds=seconds, json=body, headers=headers, params=params))

    def _json(self, answer: httpx2.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ServiceError(
                f"{self.shown} answers, but not as a service of the portfolio.", "Is its address right?"
            ) from None

    def _ask(self, method: str, path: str, *, seconds: float, **options: Any) -> httpx2.Response:
        try:
            answer = _client().request(method, f"{self.address}{path}", timeout=seconds, **options)
        except httpx2.TimeoutException:
            raise ServiceError(f"{self.shown} did not answer within {seconds:g} s.", "Try again in a moment.") from None
        except httpx2.HTTPError:
            raise ServiceError(f"{self.shown} does not answer.", "Is it running? `make health` tells.") from None
        if answer.is_success:
            return answer
        raise _refusal(self, answer)


def monitoring() -> Service:
    """The monitoring service."""
    return Service.read(os.environ.get("MONITORING_URL") or MONITORING)


def mlflow() -> Service:
    """The registry's own pages."""
    return Service.read(os.environ.get("MLFLOW_URL") or MLFLOW)


def api_services() -> list[Service]:
    """Of PORTFOLIO_APIS: addresses separated by commas, each `address` or `address=shown`."""
    return [Service.read(entry) for entry in (os.environ.get("PORTFOLIO_APIS") or APIS).split(",") if entry.strip()]


def together(*questions: Any) -> list[Any]:
    """What functions without arguments return, asked at the same time; a ServiceError is returned, too."""
    with ThreadPoolExecutor(max(1, len(questions))) as pool:
        return list(pool.map(_tried, questions))


@cache
def _client() -> httpx2.Client:
    """One for all: making one reads every certificate of the machine, which takes longer than most answers."""
    return httpx2.Client(trust_env=False, limits=httpx2.Limits(keepalive_expiry=IDLE_SECONDS))


def _tried(question: Any) -> Any:
    try:
        return question()
    except ServiceError as error:
        return error


def _refusal(service: Service, answer: httpx2.Response) -> ServiceError:
    """What a problem document (RFC 9457) says, or the status where it is none."""
    try:
        said = answer.json()
        words = said.get("detail") or said.get("title") or ""
        return ServiceError(
            words or f"{service.shown} answered {answer.status_code}.",
            said.get("remedy", ""),
            status=answer.status_code,
            problems=said.get("errors") or (),
        )
    except (ValueError, AttributeError):
        return ServiceError(f"{service.shown} answered {answer.status_code}.", status=answer.status_code)
