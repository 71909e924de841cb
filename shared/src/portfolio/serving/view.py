"""What the store has of a service's predictions, read beside the shipping and posted for the workers to tell."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from threading import Thread

from portfolio import logs, store
from portfolio.errors import StoreError
from portfolio.serving.board import Board
from portfolio.serving.watched import Watched
from portfolio.settings import Settings

SECONDS = 10.0

log = logs.logger(__name__)


class View:
    """Looks every `seconds`, in a thread: what it waits for keeps no prediction from being shipped."""

    def __init__(self, project: str, settings: Settings, board: Board, *, seconds: float = SECONDS) -> None:
        self._project, self._settings, self._board, self._seconds = project, settings, board, seconds
        self._thread = Thread(target=self._go_on, name="view", daemon=True)

    def start(self) -> None:
        """Begin; it ends with the program."""
        self._thread.start()

    def look(self) -> None:
        """Look once; where the store is away, what was seen last stays, and says so."""
        try:
            summary = store.summary(self._project, self._settings, now=datetime.now(UTC))
        except StoreError as error:
            self._board.tell(replace(self._board.watched() or Watched(), problem=error.detail))
            return
        self._board.tell(Watched(asdict(summary)))

    def _go_on(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # a look must never end the looking
                log.exception("the store could not be read")
            time.sleep(self._seconds)
