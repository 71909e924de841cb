"""Leaving: at SIGTERM tell balancer and clients to go elsewhere, keep answering for a while, then stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

from portfolio.logs import logger

log = logger(__name__)


class Drain:
    """Once begun, /health/ready answers 503 and every answer closes its connection."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun = False

    def listen(self) -> None:
        """Put the wait before what the server does at SIGTERM. A second SIGTERM, or Ctrl-C, stops at once."""
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread gets signals: an application inside a test
        loop, stop = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
        if not callable(stop):
            return  # this server leaves signals to the system

        def begin(number: int, frame: FrameType | None) -> None:
            if self.begun:
                stop(number, frame)
                return
            self.begun = True
            loop.call_soon_threadsafe(self._wait, loop, lambda: stop(number, frame))

        signal.signal(signal.SIGTERM, begin)

    def _wait(self, loop: asyncio.AbstractEventLoop, stop: Any) -> None:
        log.info("draining", seconds=self.seconds)
        loop.call_later(self.seconds, stop)
