"""Who is champion by the registry: looked up all the time, and set without asking anyone."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from math import inf
from threading import Event, Thread

import httpx2

from drills.lifecycle.place import PROJECT, Place
from portfolio import registry

LOOK_SECONDS = 0.02
CHAMPION = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"


@dataclass(frozen=True)
class Reign:
    """A version that was champion, and when (monotonic seconds)."""

    version: int
    start: float
    end: float = inf


class Watch:
    """Looks up who is champion, from a thread of its own.

    A move is dated to the last look that still saw the version before: whatever is measured from there on is too long
    by up to LOOK_SECONDS, never too short.
    """

    def __init__(self, look: Callable[[], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._look, self._clock = look, clock
        self._looked = clock()
        self._reigns: list[Reign] = []

    @property
    def reigns(self) -> tuple[Reign, ...]:
        """All so far, those of refused versions too; the last one lasts."""
        return tuple(self._reigns)

    def look(self) -> None:
        """Note who is champion where that is news."""
        now, version = self._clock(), self._look()
        if version is None:  # then nobody has looked
            return
        before, self._looked = self._looked, now
        if not self._reigns:
            self._reigns.append(Reign(version, before))
        elif self._reigns[-1].version != version:
            self._reigns[-1:] = [replace(self._reigns[-1], end=before), Reign(version, before)]


@contextmanager
def watched(place: Place) -> Iterator[Watch]:
    """A watch over the drill's registry until the block ends, in its database: that answers while the server is down.

    The server itself answers late where the machine is busy, and then one could not say when an alias was moved.
    """
    over = Event()
    database = f"file:{place.folder / 'mlruns' / 'mlflow.db'}?mode=ro"
    with closing(sqlite3.connect(database, uri=True, check_same_thread=False)) as connection:
        watch = Watch(lambda: _champion(connection))
        watch.look()
        thread = Thread(target=_watch, args=(watch, over), name="champions")
        thread.start()
        try:
            yield watch
        finally:
            over.set()
            thread.join()


def _champion(connection: sqlite3.Connection) -> int | None:
    """The champion's number; None while a server that was killed in the midst of writing is to mend its database."""
    try:
        return int(connection.execute(CHAMPION, (PROJECT, registry.CHAMPION)).fetchone()[0])
    except sqlite3.OperationalError:
        return None


def _watch(watch: Watch, over: Event) -> None:
    while not over.wait(LOOK_SECONDS):
        watch.look()


def point(place: Place, number: int) -> None:
    """Set the alias through MLflow itself, as whoever gets at it could: nothing is verified and nobody is told."""
    body = {"name": PROJECT, "alias": registry.CHAMPION, "version": str(number)}
    httpx2.post(f"{place.mlflow.address}/api/2.0/mlflow/registered-models/alias", json=body).raise_for_status()


def due(reigns: Sequence[Reign], refused: Collection[int]) -> tuple[Reign, ...]:
    """The reigns by which answers are judged: while the alias names a refused version, the one before is due."""
    rightful = [reign for reign in reigns if reign.version not in refused]
    ends = [reign.start for reign in rightful[1:]] + [inf]
    return tuple(replace(reign, end=end) for reign, end in zip(rightful, ends, strict=True))
