"""A monitoring service and an API of a test's own: they answer what they are told to, and keep what they were asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.answering import serving

Answer = tuple[int, Any]


@dataclass
class Asked:
    """One request; `headers` have small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Told:
    """What a fake answers, by method and path, and what it was asked to do; `raw` answers are no JSON."""

    answers: dict[str, Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    posts: list[Asked] = field(default_factory=list)
    address: str = ""
    raw: bool = False


@contextmanager
def fake(told: Told) -> Iterator[Told]:
    """Serve on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("GET", None)

        def do_POST(self) -> None:
            self.answer("POST", json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def answer(self, method: str, body: Any) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                method, parts.path, parts.query, {name.lower(): value for name, value in self.headers.items()}, body
            )
            if method == "POST":
                told.posts.append(asked)
            found = told.answers.get(f"{method} {parts.path}", (404, {"detail": "Not found."}))
            status, content = found(asked) if callable(found) else found
            said = content.encode() if told.raw else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as port:
        told.address = f"http://127.0.0.1:{port}"
        yield told


@contextmanager
def both() -> Iterator[tuple[Told, Told]]:
    """A monitoring service and an API."""
    with ExitStack() as stack:
        yield stack.enter_context(fake(Told())), stack.enter_context(fake(Told()))


def _draw(page: str, address: str, unit: str) -> None:
    from importlib import import_module

    from cockpit.models import Model
    from cockpit.services import Service

    info = {"task": {"unit": unit, "coverage": 0.8}, "data": {"synthetic": True}}
    model = Model(Service(address, address), "toy", "Toy", {"status": "healthy", "model_version": "1"}, info)
    import_module(f"cockpit.{page}.page").show(model)


def opened(page: str, api: Told, unit: str = "") -> AppTest:
    """A page of the model `toy`, drawn once."""
    return AppTest.from_function(_draw, args=(page, api.address, unit), default_timeout=30).run()


def said(app: AppTest) -> str:
    """All that a page says in boxes and captions."""
    parts = (app.error, app.warning, app.success, app.info, app.caption, app.markdown)
    return read("\n".join(str(each.value) for part in parts for each in part))


def read(markdown: str) -> str:
    """Without the strokes that keep Markdown from meaning something."""
    return re.sub(r"\\(\W|_)", r"\1", markdown)


def chart(app: AppTest, key: str) -> dict[str, Any]:
    """The chart that has this key, as a browser is told to draw it."""
    (found,) = (each for each in app.get("plotly_chart") if each.key == key)
    drawn: dict[str, Any] = json.loads(found.proto.spec)
    return drawn


def lines(chart: Mapping[str, Any], end: str) -> list[float]:
    """Where the lines and shades of a chart are: `end` is one of x0, x1, y0, y1."""
    return [shape[end] for shape in chart["layout"]["shapes"]]


def spinning(patch: pytest.MonkeyPatch) -> list[str]:
    """What the spinners say that turn at the moment."""
    turning: list[str] = []

    @contextmanager
    def spinner(text: str, **_: Any) -> Iterator[None]:
        turning.append(text)
        try:
            yield
        finally:
            turning.remove(text)

    patch.setattr(st, "spinner", spinner)
    return turning
