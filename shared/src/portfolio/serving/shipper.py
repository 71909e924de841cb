"""`python -m portfolio.serving.shipper PROJECT JOURNAL PARENT`: bring a service's predictions into the store.

A process of its own: the database's libraries cost memory and its answers take time, and workers have neither to spare.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread

from portfolio import logs, store
from portfolio.errors import StoreError
from portfolio.predictions.room import Bound
from portfolio.predictions.shipping import Shipping
from portfolio.serving.board import Board, Shipment
from portfolio.serving.give_way import give_way
from portfolio.serving.parent import end_with
from portfolio.serving.view import View
from portfolio.settings import Settings, read_settings

PAUSE_SECONDS = 0.5  # between two looks where nothing waits
LOOK_SECONDS = 0.25  # a look at much is broken off, so that the board says how far it is
REST = 9.0  # seconds without a look for each that one took of a core: answers need the cores more
PLENTY = 0.05  # of the journal's bound waits: no rest any more; with less the rest is shorter in proportion
LAST_SECONDS = 3.0  # the service's stop waits for so long; what is left then stays for the next start
AWAY_SECONDS = 15.0  # the longest wait for a store that is away
HUNG_SECONDS = 15.0  # a look that takes longer waits for a store that neither takes nor refuses
GUARD_SECONDS = 1.0  # between two looks at the look

log = logs.logger("portfolio.serving.shipper")  # run as a program, its own name is __main__


class Door:
    """The store, opened when there is something for it, and anew where it failed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = ExitStack()
        self._ship: store.Ship | None = None

    def __call__(self, batch: Sequence[store.Prediction]) -> int:
        """Store a batch; returns how many were not there yet. Raises StoreError."""
        try:
            if self._ship is None:
                self._ship = self._open.enter_context(store.shipping(self._settings))
            return self._ship(batch)
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Close it; the next batch opens it."""
        self._ship = None
        self._open.close()


class Shipper:
    """Looks, posts how far it is, and has patience with a store that is away. `last` is what was posted before.

    It takes a tenth of a core, and more of it the closer what waits comes to `plenty` bytes.
    """

    def __init__(self, shipping: Shipping, board: Board, last: Shipment | None, *, plenty: float) -> None:
        self._shipping, self._board, self._plenty = shipping, board, plenty
        self._last = last or Shipment()
        shipping.shipped, shipping.torn, shipping.damaged = self._last.shipped, self._last.torn, self._last.damaged
        self._misses = 0
        self._reached = True
        self._began: float | None = None  # the look that is going on
        self._lock = Lock()

    def guard(self, now: float) -> None:
        """Tell of a look that hangs; called by another thread than the one that looks."""
        began = self._began
        if began is None or now - began < HUNG_SECONDS or not self._reached:
            return
        self._reached = False
        log.error("the store does not answer, predictions stay in the journal", seconds=round(now - began))
        self._post(replace(self._last, reached=False))

    def turn(self, seconds: float = LOOK_SECONDS) -> float:
        """One look of about so many seconds; returns the pause until the next."""
        self._began = time.monotonic()
        try:
            return self._turn(seconds)
        finally:
            self._began = None

    def _turn(self, seconds: float) -> float:
        try:
            pause = self._look(seconds)
        except StoreError as error:
            pause = self._missed(error)
        except Exception:
            log.exception("predictions could not be shipped, they stay in the journal")
            self._misses += 1
            pause = self._patience()
        else:
            if self._misses or not self._reached:
                log.info("predictions reach the store again")
            self._misses, self._reached = 0, True
        done = self._shipping
        self._post(Shipment(dict(done.stored), done.shipped, done.torn, done.damaged, self._reached))
        return pause

    def _look(self, seconds: float) -> float:
        began = time.thread_time()
        pause = PAUSE_SECONDS if self._shipping.look(seconds) else 0.0
        busy = min(time.thread_time() - began, LOOK_SECONDS)  # opening the store takes longer
        return max(pause, REST * busy * (1 - self._shipping.behind() / self._plenty))

    def _missed(self, error: StoreError) -> float:
        if self._reached:
            log.error("the store takes no predictions, they stay in the journal", reason=str(error))
        self._misses, self._reached = self._misses + 1, False
        return self._patience()

    def _patience(self) -> float:
        return float(min(PAUSE_SECONDS * 2.0 ** min(self._misses, 16), AWAY_SECONDS))

    def _post(self, shipment: Shipment) -> None:
        with self._lock:
            if shipment != self._last:
                self._board.post_shipment(shipment)
                self._last = shipment


def follow(shipper: Shipper, called: int) -> None:
    """Ship until there is something to read from `called`, then what is left."""
    pause = 0.0
    while not select.select([called], [], [], pause)[0]:
        pause = shipper.turn()
    shipper.turn(LAST_SECONDS)


def stand_by(shipper: Shipper, called: int) -> None:
    """In a thread: guard the shipper, and end the program where a call finds it in a look that does not end.

    What it was storing is in the journal still, and the store takes it once.
    """

    def run() -> None:
        while not select.select([called], [], [], GUARD_SECONDS)[0]:
            shipper.guard(time.monotonic())
        time.sleep(LAST_SECONDS + GUARD_SECONDS)
        log.warning("the store does not answer, what waits stays in the journal")
        os._exit(0)

    Thread(target=run, name="guard", daemon=True).start()


def call_of(number: signal.Signals) -> int:
    """A file that has something to read once the signal came, which cuts nothing short."""
    called, calls = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(calls)
    signal.signal(number, lambda *_: None)
    return called


def main() -> None:
    """Ship the journal that the command line names."""
    project, folder, parent = sys.argv[1:]
    called = call_of(signal.SIGTERM)
    end_with(int(parent))
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    give_way()
    board = Board.of_this_service()
    door = Door(settings)
    last = board.shipment()
    shipping = Shipping(Path(folder), project, door)
    shipper = Shipper(shipping, board, last, plenty=PLENTY * Bound.of(settings).most)
    if last is None:
        board.post_shipment(Shipment())
    stand_by(shipper, called)
    View(project, settings, board).start()
    try:
        follow(shipper, called)
    finally:
        door.close()


if __name__ == "__main__":
    main()
