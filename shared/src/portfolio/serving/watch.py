"""A worker's watch over the pointers: what they name is loaded and tried aside, then swapped in by one assignment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread

from portfolio.logs import logger
from portfolio.pointer import pointers
from portfolio.serving.board import Board, Failure, Mark, Notice, Reason, mark, start_time
from portfolio.serving.live import Live
from portfolio.serving.resolve import resolve
from portfolio.spec import ModelSpec

log = logger(__name__)

LOOK_SECONDS = 0.1  # a look that finds nothing new costs some microseconds


class Watch:
    """Looks at the pointers from a thread of its own, so that requests are answered while a bundle is loaded."""

    def __init__(self, spec: ModelSpec, live: Live, board: Board, *, failed: Callable[[Reason], None]) -> None:
        self._spec, self._live, self._board, self._failed = spec, live, board, failed
        self._started = start_time(os.getpid())
        self._seen: tuple[Mark, ...] = ()
        self._refused: Failure | None = None  # by the last look
        self._over = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Load what the pointers name, then watch them. Raises what keeps a worker from starting."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Make what the pointers name live where that is not done, and post what is served."""
        named = self._named()
        if named == self._seen:
            return
        self._seen, began = named, time.monotonic()  # in this order: who asked before it was seen asked before it began
        self._follow()
        self._board.post(self._notice(began))

    def _follow(self) -> None:
        before = self._live.state
        after = resolve(self._spec, before)
        self._refused = after.failure if after.failure is not before.failure else None
        if self._refused:
            self._failed(self._refused.reason)
        self._live.state = after

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                log.exception("the look at the pointers failed; what is live goes on")

    def _named(self) -> tuple[Mark, ...]:
        return (*map(mark, pointers(self._spec.root)), self._board.asked())

    def _notice(self, looked: float) -> Notice:
        notice = Notice(os.getpid(), self._started, looked, self._spec.name, failure=self._refused)
        model = self._live.state.model
        if model is None:
            return notice
        return replace(
            notice,
            model_version=model.current.model_version,
            bundle=str(model.scorer.directory),
            data=model.scorer.manifest.data.label,
            held={str(loaded.scorer.directory): loaded.digest for loaded in self._live.state.held},
        )
