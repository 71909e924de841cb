"""The journal of one worker: what it answers is in a file before the answer leaves.

A record reaches the kernel by one write, so it outlives the worker; with `sync` it outlives the machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple, Protocol

import orjson

from portfolio.errors import JournalFull
from portfolio.logs import logger
from portfolio.predictions.room import Bound, make_room
from portfolio.predictions.segments import Segment, packed

AGAIN_SECONDS = 1.0  # until a folder that is full, or can't be written to, is tried again
QUIET_SECONDS = 10.0  # between two lines of the log about the same

Role = Literal["champion", "challenger", "shadow"]
Loss = Literal["full", "unwritable"]
WHY: dict[Loss, tuple[str, str]] = {
    "full": ("The journal is full.", "Predictions are refused until the store has taken some; try again later."),
    "unwritable": ("The journal can't be written.", "Predictions are refused meanwhile; the service's log tells why."),
}

log = logger(__name__)


class Author(NamedTuple):
    """Which model predicted: the version that answers name, its bundle, and the part it plays."""

    model_version: str
    bundle: str
    role: Role


Entry = tuple[str, int, float, int | None, str, str, Mapping[str, Any]]
"""Prediction id, latency in microseconds, score, decision (None for an amount), request id, entity id, features."""


class Counter(Protocol):
    """Who is told of every prediction that is kept, or lost."""

    def kept(self, number: int) -> None:
        """They are in a file."""

    def lost(self, reason: Loss, number: int) -> None:
        """They were answered, and the store will not see them."""


@dataclass
class Seldom:
    """Tells the log of what happens with every request, but not each time."""

    clock: Callable[[], float]
    last: float = -QUIET_SECONDS
    predictions: int = 0

    def tell(self, said: str, predictions: int, **more: object) -> None:
        """Say it, with the number of predictions since it was last said."""
        self.predictions += predictions
        now = self.clock()
        if now - self.last >= QUIET_SECONDS:
            log.error(said, predictions=self.predictions, **more)
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
        self._full, self._unwritable = Seldom(clock), Seldom(clock)
        self._lock = Lock()

    def open(self) -> None:
        """Begin a segment before the first prediction comes; the log tells where that can't be."""
        with self._lock:
            self._begin(0)

    def close(self) -> None:
        """Let go of the segment."""
        with self._lock:
            self._leave()

    def append(self, author: Author, entries: Sequence[Entry]) -> None:
        """Keep predictions that were answered together, or count them as lost; raises JournalFull if it may refuse."""
        record = packed(_payload(author, entries), rows=len(entries), at=time.time())
        with self._lock:
            loss = self._write(record)
        if loss is None:
            self._counter.kept(len(entries))
        elif self.bound.refuse:
            detail, remedy = WHY[loss]
            raise JournalFull(detail, remedy=remedy)
        else:
            self._lose(loss, len(entries))

    def _write(self, record: bytes) -> Loss | None:
        now = self._clock()
        if self._segment and now >= self._look:
            self._look = now + AGAIN_SECONDS
            self._check(self._segment)
        if self._segment is None or self._segment.size + len(record) > self.bound.segment:
            if now < self._again:
                return self._loss
            self._loss = self._begin(len(record))
        if self._segment is None:
            self._again = now + AGAIN_SECONDS
            return self._loss
        try:
            self._segment.append(record, sync=self._sync)
        except OSError as error:
            return self._fail(error)
        return None

    def _begin(self, need: int) -> Loss | None:
        """A new segment with room for so many bytes."""
        self._leave()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            room = make_room(self.folder, max(need, self.bound.segment), self.bound, self._stored())
            if room.dropped:
                self._lose("full", room.dropped)
            if not room.free:
                self._full.tell("the journal is full", 0, folder=str(self.folder), bytes=self.bound.most)
                return "full"
            self._segment = Segment(self.folder)
        except OSError as error:
            return self._fail(error)
        return None

    def _fail(self, error: OSError) -> Loss:
        reason = error.strerror or str(error)
        self._unwritable.tell("the journal can't be written", 0, folder=str(self.folder), reason=reason)
        return "unwritable"

    def _lose(self, loss: Loss, number: int) -> None:
        self._counter.lost(loss, number)
        seldom = self._full if loss == "full" else self._unwritable
        seldom.tell("predictions are lost", number, folder=str(self.folder), reason=loss)

    def _check(self, segment: Segment) -> None:
        if not segment.is_there:
            log.error("the journal's file was removed under its writer", file=str(segment.path))
            self._leave()

    def _leave(self) -> None:
        if self._segment:
            self._segment.close()
        self._segment = None


def _payload(author: Author, entries: Sequence[Entry]) -> bytes:
    try:
        return orjson.dumps([*author, entries])
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps([*author, entries]).encode()
