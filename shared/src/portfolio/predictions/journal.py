"""The journal of one worker: what it answers is in a file before the answer leaves.

A record reaches the kernel by one write, so it outlives the worker; with `sync` it outlives the machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Literal, NamedTuple, Protocol, get_args

import orjson

from portfolio.errors import JournalFull
from portfolio.logs import logger
from portfolio.predictions.room import Bound, make_room
from portfolio.predictions.segments import Segment, packed, sweep

AGAIN_SECONDS = 1.0  # until a folder that is full, or can't be written to, is tried again
QUIET_SECONDS = 10.0  # between two lines of the log about the same
AGE_SECONDS = 3600.0  # of a segment until its worker lets go: what is pruned in the store shall not live on in a file
TEND_SECONDS = 5.0  # between two looks at that

Role = Literal["champion", "challenger", "shadow"]
Loss = Literal["full", "unwritable"]
WHY: dict[Loss, tuple[str, str]] = {
    "full": ("The journal is full.", "Predictions are refused until the store has taken some; try again later."),
    "unwritable": ("The journal can't be written.", "Predictions are refused meanwhile; the service's log tells why."),
}

log = logger(__name__)


class Author(NamedTuple):
    """Which model predicted: the version that answers name, its bundle, the part it plays, and what it is asked of."""

    model_version: str
    bundle: str
    role: Role
    fields: Sequence[str]


Entry = tuple[str, int, float, int | None, str, str, Sequence[Any]]
"""Prediction id, latency in microseconds, score, decision (None for an amount), request id, entity id, values."""


class Counter(Protocol):
    """Who is told of every prediction that is kept, or lost."""

    def kept(self, number: int) -> None:
        """They are in a file."""

    def lost(self, reason: Loss, number: int) -> None:
        """They were answered, and the store will not see them."""

    def refused(self, reason: Loss, number: int) -> None:
        """They were not answered, as they could not be kept."""


@dataclass
class Seldom:
    """Tells the log of what happens with every request, but not each time."""

    clock: Callable[[], float]
    last: float = -QUIET_SECONDS

    def tell(self, said: str, **more: object) -> None:
        """Say it, unless it has just been said."""
        now = self.clock()
        if now - self.last >= QUIET_SECONDS:
            log.error(said, **more)
            self.last = now


@dataclass
class Losses:
    """Tells the log of predictions that are lost, or refused: seldom, but of all of them."""

    said: str
    reason: Loss
    folder: Path
    clock: Callable[[], float]
    last: float = -QUIET_SECONDS
    predictions: int = 0

    def tell(self, more: int = 0, *, at_once: bool = False) -> None:
        """Say how many there were since it was last said, and remember them where that was just now."""
        self.predictions += more
        now = self.clock()
        if self.predictions and (at_once or now - self.last >= QUIET_SECONDS):
            log.error(self.said, predictions=self.predictions, folder=str(self.folder), reason=self.reason)
            self.last, self.predictions = now, 0


class Journal:
    """Appends to a segment of its own, and begins another when that is full. Threads may share it.

    `stored` tells how many bytes of each segment the store has; `sync` has every record survive a loss of power.
    """

    def __init__(
        self,
        folder: Path,
        bound: Bound,
        counter: Counter,
        *,
        sync: bool = False,
        stored: Callable[[], Mapping[str, int]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.bound = folder, bound
        self._counter, self._sync, self._stored, self._clock = counter, sync, stored, clock
        self._segment: Segment | None = None
        self._loss: Loss | None = None
        self._again = self._look = -AGAIN_SECONDS
        self._begun = 0.0
        self._full, self._unwritable = Seldom(clock), Seldom(clock)
        said = "predictions are refused" if bound.refuse else "predictions are lost"
        self._losses: dict[Loss, Losses] = {loss: Losses(said, loss, folder, clock) for loss in get_args(Loss)}
        self._lock, self._over = Lock(), Event()
        self._thread = Thread(target=self._go_on, name="journal", daemon=True)

    def open(self) -> None:
        """Begin a segment before the first prediction comes, and tend it; the log tells where that can't be."""
        with self._lock:
            self._begin(0)
        sweep(self.folder)
        self._thread.start()

    def close(self) -> None:
        """Let go of the segment."""
        self._over.set()
        with self._lock:
            self._leave()
            for losses in self._losses.values():
                losses.tell(at_once=True)

    def tend(self) -> None:
        """What no prediction may come to do: let go of a segment that is old, tell of what was lost."""
        with self._lock:
            self._retire()
            for losses in self._losses.values():
                losses.tell()

    def append(self, author: Author, entries: Sequence[Entry]) -> None:
        """Keep predictions that were answered together; else count them as lost, or refuse them with JournalFull."""
        record = packed(_payload(author, entries), rows=len(entries), at=time.time())
        with self._lock:
            loss = self._write(record)
        if loss is None:
            self._counter.kept(len(entries))
        elif self.bound.refuse:
            self._counter.refused(loss, len(entries))
            self._losses[loss].tell(len(entries))
            detail, remedy = WHY[loss]
            raise JournalFull(detail, remedy=remedy)
        else:
            self._lose(loss, len(entries))

    def _write(self, record: bytes) -> Loss | None:
        now = self._clock()
        if self._segment and now >= self._look:
            self._look = now + AGAIN_SECONDS
            self._check(self._segment)
            self._retire()
        if self._segment is None or self._segment.size + len(record) > self.bound.segment:
            if self._segment is None and now < self._again:
                return self._loss
            if loss := self._begin(len(record)):
                if self._segment is None and len(record) <= self.bound.segment:  # a larger one speaks for itself alone
                    self._loss, self._again = loss, now + AGAIN_SECONDS
                return loss
        assert self._segment
        try:
            self._segment.append(record, sync=self._sync)
        except OSError as error:
            return self._fail(error)
        return None

    def _begin(self, need: int) -> Loss | None:
        """A new segment with room for so many bytes; the one before is kept where a large record finds none."""
        if need <= self.bound.segment:
            self._leave()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            room = make_room(self.folder, max(need, self.bound.segment), self.bound, self._stored())
            if room.dropped:
                self._lose("full", room.dropped)
            if not room.free:
                self._full.tell("the journal is full", folder=str(self.folder), bytes=self.bound.most, needed=need)
                return "full"
            self._leave()
            self._segment, self._begun = Segment(self.folder), self._clock()
        except OSError as error:
            return self._fail(error)
        return None

    def _fail(self, error: OSError) -> Loss:
        reason = error.strerror or str(error)
        self._unwritable.tell("the journal can't be written", folder=str(self.folder), reason=reason)
        return "unwritable"

    def _lose(self, loss: Loss, number: int) -> None:
        self._counter.lost(loss, number)
        self._losses[loss].tell(number)

    def _check(self, segment: Segment) -> None:
        if not segment.is_there:
            log.error("the journal's file was removed under its writer", file=str(segment.path))
            self._leave()

    def _retire(self) -> None:
        if self._segment and self._segment.size and self._clock() - self._begun >= AGE_SECONDS:
            self._leave()

    def _go_on(self) -> None:
        while not self._over.wait(TEND_SECONDS):
            try:
                self.tend()
            except OSError as error:
                self._fail(error)

    def _leave(self) -> None:
        if self._segment:
            self._segment.close()
        self._segment = None


def _payload(author: Author, entries: Sequence[Entry]) -> bytes:
    try:
        return orjson.dumps([*author, entries])
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps([*author, entries]).encode()
