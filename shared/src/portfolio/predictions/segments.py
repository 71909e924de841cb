"""The journal's files: records one after the other, each with its length and checksum, in files that one worker holds.

A segment is held by an exclusive lock (flock) for as long as its worker writes to it, so whoever can take the lock
knows that nothing more will come, on whatever container that worker ran and whoever has its process id by now.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

JOURNAL = "journal"
"""The folder, beside a project's models."""
SUFFIX, DAMAGED, DRAFT = ".segment", ".damaged", ".draft"
DRAFT_SECONDS = 60.0  # after which who made a draft is dead
MARK = b"PRJ1"
"""Begins every record, so that after a damaged one the next is found."""
HEAD = Struct("<4sI")
ABOUT = Struct("<IId")
HEADER_BYTES = HEAD.size + ABOUT.size
"""Mark and checksum; length of the payload, number of its predictions, and their time in Unix seconds."""


class Record(NamedTuple):
    """Predictions that were answered together. `start` and `end` are its place in what was read."""

    rows: int
    at: float
    payload: bytes
    start: int
    end: int


def packed(payload: bytes, *, rows: int, at: float) -> bytes:
    """A record as it is written; the checksum covers all but itself and the mark."""
    about = ABOUT.pack(len(payload), rows, at)
    return HEAD.pack(MARK, crc32(payload, crc32(about))) + about + payload


class Gap(NamedTuple):
    """What is no sound record although one follows it."""

    start: int
    end: int


def scan(content: bytes) -> Iterator[Record | Gap]:
    """The sound records, and what is damaged between them; behind the last comes at most an unfinished one."""
    start = 0
    while start < len(content):
        found = _sound(content, start) or _gap(content, start)
        if found is None:
            return
        yield found
        start = found.end


def _gap(content: bytes, start: int) -> Gap | None:
    at = content.find(MARK, start + 1)
    while at >= 0 and not _sound(content, at):
        at = content.find(MARK, at + 1)
    return Gap(start, at) if at >= 0 else None


def _sound(content: bytes, start: int) -> Record | None:
    body = start + HEADER_BYTES
    if len(content) < body:
        return None
    mark, checksum = HEAD.unpack_from(content, start)
    about = content[start + HEAD.size : body]
    length, rows, at = ABOUT.unpack(about)
    if mark != MARK or len(content) < body + length:
        return None
    payload = content[body : body + length]
    return Record(rows, at, payload, start, body + length) if crc32(payload, crc32(about)) == checksum else None


class Segment:
    """A segment that its worker writes to. Raises OSError where it can't."""

    def __init__(self, folder: Path) -> None:
        name = f"{time.time_ns():020d}-{os.urandom(4).hex()}"
        draft = folder / f"{name}{DRAFT}"
        self.path = draft.with_suffix(SUFFIX)
        self.size = 0
        self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o660)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            draft.rename(self.path)  # nobody finds it before it is held
        except OSError:
            os.close(self._file)
            draft.unlink(missing_ok=True)
            raise

    def append(self, record: bytes, *, sync: bool) -> None:
        """Write one record, whole or not at all."""
        written = 0
        try:
            written = os.write(self._file, record)
        finally:
            if written < len(record):
                os.ftruncate(self._file, self.size)
        if written < len(record):
            raise OSError(f"{written} of {len(record)} bytes were written.")
        self.size += written
        if sync:
            os.fdatasync(self._file)

    @property
    def is_there(self) -> bool:
        """Whether its file still has a name: whoever removes the folder does not ask its writers."""
        return os.fstat(self._file).st_nlink > 0

    def close(self) -> None:
        """Let go of it; what nobody wrote to is removed."""
        if not self.size:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def segments(folder: Path) -> list[Path]:
    """All of a folder, the oldest first; none where there is no folder."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def sweep(folder: Path) -> None:
    """Remove the drafts of those who died over them."""
    for draft in folder.glob(f"*{DRAFT}"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > DRAFT_SECONDS:
                draft.unlink()


@contextmanager
def released(path: Path) -> Iterator[bool]:
    """Whether nobody holds a segment, which is then kept from others until the block ends."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _takes(file) and os.fstat(file).st_nlink > 0
    finally:
        os.close(file)


def _takes(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Waiting(NamedTuple):
    """Predictions of a folder that the store does not have: their bytes, and when the first was made (Unix seconds)."""

    bytes: int
    since: float | None


def waiting(folder: Path, stored: Mapping[str, int]) -> Waiting:
    """What waits behind the first `stored` bytes of each segment, by name. Reads one header of each."""
    size, first = 0, None
    for path in segments(folder):
        with suppress(OSError), path.open("rb") as file:
            start = stored.get(path.name, 0)
            rest = os.fstat(file.fileno()).st_size - start
            header = os.pread(file.fileno(), HEADER_BYTES, start)
            if rest <= 0 or len(header) < HEADER_BYTES:
                continue
            size += rest
            at = ABOUT.unpack_from(header, HEAD.size)[2]
            first = at if first is None else min(first, at)
    return Waiting(size, first)


def count(path: Path, start: int = 0) -> int:
    """The predictions in a segment behind its first bytes, by the headers: a worker has no time for checksums."""
    content, at, rows = rest(path, start), 0, 0
    while 0 <= at <= len(content) - HEADER_BYTES:
        if not content.startswith(MARK, at):
            at = content.find(MARK, at + 1)
            continue
        length, number, _ = ABOUT.unpack_from(content, at + HEAD.size)
        at += HEADER_BYTES + length
        rows += number if at <= len(content) else 0
    return rows


def rest(path: Path, start: int) -> bytes:
    """A segment behind its first bytes."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read()
