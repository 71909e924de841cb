"""The inbox: a CSV file that people append labels to, read on from where it was read to the last time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import orjson

from portfolio.errors import DataError
from portfolio.predictions.label_files import (
    PART,
    Imported,
    header_of,
    lines_of,
    open_bytes,
    read_lines,
    record,
    replace_file,
    text_of,
)
from portfolio.predictions.labels import FIELDS, settle_aside
from portfolio.settings import Settings

QUIET = 5.0  # seconds without a write after which a last line without an end is taken to be whole
SAMPLE = 4096


@dataclass(frozen=True)
class Place:
    """How far a file was read into which store: bytes, lines, the columns there, and what its ends looked like."""

    store: str = ""
    offset: int = 0
    lines: int = 0
    columns: tuple[str, ...] = FIELDS
    ends: str = ""


def read_inbox(settings: Settings) -> Imported:
    """Record what was appended to the inbox, and the labels whose predictions have come since.

    A file that shrank or was replaced, and one that another store has not seen, is read anew: that changes nothing
    that is recorded. What can't be recorded is listed beside it. Nothing is read into a store that DATABASE_URL names
    and nobody has made: the address may be mistyped. Raises DataError or StoreError.
    """
    from portfolio.store.database import has_place

    inbox, imported = settings.labels_inbox, Imported()
    try:
        if inbox.is_file() and has_place(settings):
            _read_on(inbox, imported, settings)
    except (DataError, OSError) as error:
        settle_aside(settings)  # needs no inbox
        raise error if isinstance(error, DataError) else _unusable(inbox, error) from None
    imported.settled = settle_aside(settings)
    return imported


def _read_on(inbox: Path, imported: Imported, settings: Settings) -> None:
    memory = inbox.with_name(f".{inbox.name}.read")
    with _alone(inbox.parent), open_bytes(inbox) as file:
        place = _place(file, memory, settings)
        file.seek(place.offset)
        while part := _part(file, inbox):
            place = _read(part, place, imported, settings)
            seen = replace(place, ends=_ends(file, place.offset))
            replace_file(memory, orjson.dumps(asdict(seen)))


def _unusable(inbox: Path, error: OSError) -> DataError:
    return DataError(
        f"The inbox {inbox} can't be read on: {error.filename or inbox}: {error.strerror}.",
        remedy=f"Let user {os.geteuid()} read it and write into its folder, as `make docker-demo` does.",
    )


def _read(part: list[bytes], place: Place, imported: Imported, settings: Settings) -> Place:
    inbox = settings.labels_inbox
    lines = list(read_lines(part, place.columns, first=place.lines + 1))
    record(lines, imported, settings, rejected=inbox.with_name(f"{inbox.stem}.rejected.csv"))
    return replace(
        place,
        offset=place.offset + sum(map(len, part)),
        lines=place.lines + len(part),
        columns=_columns(part, place.columns),
    )


def _columns(part: list[bytes], columns: tuple[str, ...]) -> tuple[str, ...]:
    for raw in part:
        try:
            columns = header_of(text_of(raw)) or columns
        except DataError:  # told of as a line
            continue
    return columns


def _part(file: IO[bytes], inbox: Path) -> list[bytes]:
    """Some whole lines; the last one may lack its end where nobody has written for a while."""
    part: list[bytes] = []
    for _ in range(PART):
        line = file.readline()
        if not line:
            break
        if not line.endswith(b"\n") and time.time() - inbox.stat().st_mtime < QUIET:
            file.seek(-len(line), 1)
            break
        part += lines_of([line])
    return part


def _place(file: IO[bytes], memory: Path, settings: Settings) -> Place:
    store = hashlib.sha256(settings.store_address.encode()).hexdigest()
    try:
        found = orjson.loads(memory.read_bytes())
        place = Place(**found | {"columns": tuple(found["columns"])})
    except (OSError, ValueError, TypeError, KeyError):  # reading all of it again changes nothing
        return Place(store)
    same = place.store == store and place.ends == _ends(file, place.offset)
    return place if same else Place(store)


def _ends(file: IO[bytes], offset: int) -> str:
    """What the file looks like around what was read of it; leaves the file where it is."""
    here = file.tell()
    file.seek(0)
    digest = hashlib.sha256(file.read(min(SAMPLE, offset)))
    file.seek(max(0, offset - SAMPLE))
    digest.update(file.read(min(SAMPLE, offset)))
    file.seek(here)
    return digest.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Whoever reads the inbox at the same time waits; locking the folder takes no right to write a file in it."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
