"""Logs are one JSON object a line, or text, each with the request it belongs to."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from portfolio import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_json_line_has_time_level_logger_message_fields_and_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    token = logs.request_id.set("abc")
    logs.logger("portfolio.test").info("model loaded", version="7")
    logs.request_id.reset(token)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "portfolio.test",
        "message": "model loaded",
        "version": "7",
        "request_id": "abc",
    }


def test_the_standard_librarys_records_take_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "Started in colour"})
    line = json.loads(capsys.readouterr().err)
    assert (line["message"], line["logger"]) == ("Started", "uvicorn.error")
    assert "color_message" not in line


def test_an_exception_is_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    try:
        raise ValueError("broken")
    except ValueError:
        logs.logger("portfolio.test").exception("failed")
    assert "ValueError: broken" in json.loads(capsys.readouterr().err)["exception"]


def test_the_level_keeps_quieter_lines_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("WARNING", "json")
    logs.logger("portfolio.test").info("not shown")
    assert capsys.readouterr().err == ""


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "text")
    logs.logger("portfolio.test").info("model loaded", version="7")
    shown = capsys.readouterr().err
    assert "model loaded" in shown
    assert "version=7" in shown
    assert not shown.startswith("{")


def test_without_a_format_what_is_no_terminal_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logs.logger("portfolio.test").info("model loaded")
    assert json.loads(capsys.readouterr().err)["message"] == "model loaded"


def test_a_stream_that_was_replaced_and_closed_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    logs.configure(log_format="json")
    monkeypatch.setattr(sys, "stderr", second)
    first.close()
    logs.logger("portfolio.x").warning("seen")
    assert "seen" in second.getvalue()
