"""What a page leaves behind in the process that drew it is taken back: other tests run there, too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Streamlit's AppTest makes its script the main module, which new processes would run, and keeps uvicorn's log."""
    main, before = sys.modules["__main__"], {name: _state(name) for name in SERVERS}
    yield
    sys.modules["__main__"] = main
    for name, (level, propagate, handlers) in before.items():
        logger = logging.getLogger(name)
        logger.level, logger.propagate, logger.handlers = level, propagate, handlers


def _state(name: str) -> tuple[int, bool, list[logging.Handler]]:
    logger = logging.getLogger(name)
    return logger.level, logger.propagate, list(logger.handlers)
