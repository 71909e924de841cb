"""The way of the journal's segments into the store, and their end.

Each segment is read on from where it was stored to; one that its worker has let go of is deleted once all of it is
stored. Whoever starts anew reads from the beginning, and so does who was refused, as the store that comes back may be
an older one: it knows a prediction by its id, and takes it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import orjson

from portfolio.errors import StoreError
from portfolio.logs import logger
from portfolio.predictions.segments import DAMAGED, Gap, Record, released, rest, scan, segments, waiting
from portfolio.store import Prediction, Ship

BATCH_ROWS = 2000

log = logger(__name__)


class Shipping:
    """Brings the predictions of one folder into the store.

    `stored` are the bytes of each segment that the store has; `shipped` counts the predictions that it took, `torn` and
    `damaged` the records that were lost at the end of a segment, and inside one.
    """

    def __init__(self, folder: Path, project: str, ship: Ship) -> None:
        self._folder, self._project, self._ship = folder, project, ship
        self._spoilt: set[tuple[str, int]] = set()  # segment, and where in it
        self._unread: set[str] = set()
        self._doubtful: set[str] = set()  # segments of which the store that is back may lack what is in `stored`
        self.stored: dict[str, int] = {}
        self.shipped = self.torn = self.damaged = 0

    def behind(self) -> int:
        """Bytes that wait."""
        return waiting(self._folder, self.stored).bytes

    def look(self, seconds: float, *, clock: Callable[[], float] = monotonic) -> bool:
        """Ship what is there, for about so long; whether that was all. Raises StoreError."""
        try:
            return self._look(clock() + seconds, clock)
        except StoreError:
            self._doubtful = set(self.stored)
            raise

    def _look(self, deadline: float, clock: Callable[[], float]) -> bool:
        paths = segments(self._folder)
        names = {path.name for path in paths}
        self.stored = {name: end for name, end in self.stored.items() if name in names}
        self._spoilt = {place for place in self._spoilt if place[0] in names}
        self._doubtful &= names
        self._unread &= names
        for path in paths:
            try:
                if not self._ship_one(path, deadline, clock):
                    return False
                self._unread.discard(path.name)
            except FileNotFoundError:  # another shipper was faster, or a worker needed the room
                continue
            except OSError as error:
                self._pass_over(path.name, error)
        return True

    def _ship_one(self, path: Path, deadline: float, clock: Callable[[], float]) -> bool:
        with released(path) as free:  # asked before it is read: what is read is all
            content = rest(path, self._begun(path.name))
            end = 0
            for end in self._steps(path.name, content):
                if end < len(content) and clock() > deadline:
                    return False
            if free:
                self._finish(path, torn=len(content) - end)
        return True

    def _pass_over(self, name: str, error: OSError) -> None:
        """A segment that can't be read, or removed, keeps none behind it; it is tried again."""
        if name not in self._unread:
            self._unread.add(name)
            self.damaged += 1
            log.error("a segment of the journal can't be read or removed", segment=name, reason=error.strerror)

    def _begun(self, name: str) -> int:
        return 0 if name in self._doubtful else self.stored.get(name, 0)

    def _steps(self, name: str, content: bytes) -> Iterator[int]:
        """Store a segment's predictions by the batch; gives how much of the content is done after each."""
        begun, end, rows = self._begun(name), 0, list[Prediction]()
        for place in scan(content):
            read, whole = ([], False) if isinstance(place, Gap) else _predictions(self._project, place)
            if len(rows) + len(read) > BATCH_ROWS:
                self._store(name, rows, begun + end)
                yield end
                rows = []
            if not whole:
                self._spoil(name, begun + end, place.end - end)
            rows += read
            end = place.end
        self._store(name, rows, begun + end)
        yield end

    def _store(self, name: str, rows: list[Prediction], end: int) -> None:
        if rows:
            self.shipped += self._ship(rows)
        self.stored[name] = end
        self._doubtful.discard(name)

    def _spoil(self, name: str, at: int, size: int) -> None:
        if (name, at) in self._spoilt:
            return
        self._spoilt.add((name, at))
        self.damaged += 1
        log.error("part of the journal is damaged", segment=name, at=at, bytes=size)

    def _finish(self, path: Path, *, torn: int) -> None:
        """The end of a segment that nobody writes to and whose predictions are stored."""
        if torn:
            self.torn += 1
            log.warning("an unfinished record of the journal is dropped", segment=path.name, bytes=torn)
        if any(name == path.name for name, _ in self._spoilt):
            path.rename(path.with_suffix(DAMAGED))
        else:
            path.unlink()
        del self.stored[path.name]


def _predictions(project: str, record: Record) -> tuple[list[Prediction], bool]:
    """The rows of a record, and whether that is all of it: what this release does not know is left out."""
    at, rows = datetime.fromtimestamp(record.at, UTC), []
    try:
        version, bundle, role, fields, entries = orjson.loads(record.payload)
        fields, entries = list(fields), list(entries)
    except (ValueError, TypeError):
        return [], False
    for entry in entries:
        with suppress(ValueError, TypeError):
            prediction_id, latency, score, decision, request_id, entity_id, values = entry
            rows.append(
                Prediction(
                    prediction_id=prediction_id,
                    at=at,
                    project=project,
                    model_version=version,
                    bundle=bundle,
                    role=role,
                    features=dict(zip(fields, values, strict=True)),
                    score=float(score),
                    decision=decision,
                    latency_ms=latency / 1000,
                    request_id=request_id,
                    entity_id=entity_id,
                )
            )
    return rows, len(rows) == len(entries)
