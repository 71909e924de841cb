"""Logs as JSON lines or as text, every line with the request id it belongs to."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson
import structlog

LogFormat = Literal["json", "text"]

request_id: ContextVar[str] = ContextVar("request_id")
"""Of the request that this code runs for; every line says it."""


def configure(level: str = "INFO", log_format: LogFormat | None = None) -> None:
    """Send structlog's and the standard library's records through one renderer to standard error.

    Without a format a terminal gets text and everything else JSON.
    """
    log_format = log_format or ("text" if sys.stderr.isatty() else "json")
    shared: list[structlog.typing.Processor] = [
        _with_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_color,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(log_format)],
    )
    stream = Stderr()
    stream.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [stream]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # at INFO it tells of its plugins, at every start


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment: it may have been replaced, and the old one closed, since."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose records take fields: `log.info("promoted", model="bankchurn", version="5")`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def access(**fields: Any) -> None:
    """Log one answered request as a JSON line, past the processors, which would cost more than the request."""
    now = datetime.now(UTC).isoformat()
    line = {"level": "info", "logger": "portfolio.access", "time": now, "message": "request", **fields}
    with suppress(OSError):  # nobody reads the log any more; requests are answered all the same
        sys.stderr.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        sys.stderr.buffer.flush()


def _with_request_id(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    current = request_id.get(None)
    return {"request_id": current, **event} if current else event


def _without_color(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("color_message", None)  # uvicorn says everything twice, once in colours
    return event


def _renderer(log_format: LogFormat) -> list[structlog.typing.Processor]:
    if log_format == "text":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="time")]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(),
    ]
