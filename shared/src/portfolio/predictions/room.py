"""How large a journal may get, and what is dropped where it would get larger."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from portfolio.predictions.segments import count, released, segments
from portfolio.settings import Settings

SEGMENT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Bound:
    """Bytes of all segments of a folder, and of one. `refuse`: what has no room is refused, nothing is dropped."""

    most: int
    segment: int
    refuse: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Bound:
        """So small segments that every worker may have one, and dropping one is a small part of all."""
        most = settings.journal_max_mb * 1024 * 1024
        segment = min(SEGMENT_BYTES, most // max(16, 4 * settings.workers))
        return cls(most, segment, settings.journal_when_full == "refuse")


class Room(NamedTuple):
    """Whether there is room, and how many predictions were dropped for it."""

    free: bool
    dropped: int = 0


def make_room(folder: Path, need: int, bound: Bound, stored: Mapping[str, int]) -> Room:
    """Room for so many bytes beside what is there: the oldest segments that nobody holds are dropped until there is.

    `stored` says how many bytes of each segment the store has: those are not lost. Raises OSError.
    """
    found = {path: _taken(path, bound.segment) for path in segments(folder)}
    used, dropped = sum(taken.bytes for taken in found.values()), 0
    held = sum(taken.bytes for taken in found.values() if not taken.free)
    possible = not bound.refuse and held + need <= bound.most  # nothing is dropped in vain
    for path, taken in found.items():
        if not possible or used + need <= bound.most:
            break
        with released(path) as free, suppress(OSError):  # what can't be read or removed makes no room
            if free:
                rows = count(path, stored.get(path.name, 0))
                path.unlink(missing_ok=True)
                used, dropped = used - taken.bytes, dropped + rows
    return Room(used + need <= bound.most, dropped)


class _Taken(NamedTuple):
    bytes: int
    free: bool


def _taken(path: Path, full: int) -> _Taken:
    """What a segment takes, or will: one that is held may grow."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # it has just been shipped, or dropped by another worker
        return _Taken(0, free=True)
    with released(path) as free:
        return _Taken(size if free else max(size, full), free)
