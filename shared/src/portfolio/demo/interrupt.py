"""Ctrl-C and SIGTERM, noticed at the next pause and never between starting a program and remembering it."""

from __future__ import annotations

import signal
import time
from typing import Any

from portfolio.demo.errors import Interrupted


class Interrupt:
    """Whether someone asked to stop. Asking again changes nothing, so stopping is always carried through."""

    def __init__(self) -> None:
        self._asked = False

    @classmethod
    def listening(cls) -> Interrupt:
        """One that hears this process's signals."""
        interrupt = cls()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, interrupt.ask)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks to outlive the terminal
            signal.signal(signal.SIGHUP, interrupt.ask)
        return interrupt

    def ask(self, *_: Any) -> None:
        """Ask to stop."""
        self._asked = True

    def pause(self, seconds: float) -> None:
        """Sleep; raises Interrupted where someone asked to stop."""
        time.sleep(seconds)
        if self._asked:
            raise Interrupted
