"""Files of text as whole rows, read once from front to back."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from portfolio.batch.job import Piece
from portfolio.errors import DataError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIRST_BYTES = 1 << 20
LONGEST_ROW = 64 << 20


def is_compressed(path: str) -> bool:
    """A file that can only be read from its beginning."""
    return path.endswith(".gz")


def first_bytes(path: str) -> bytes:
    """The beginning of a file, decompressed."""
    with _open(path) as (text, _):
        return _read(text, FIRST_BYTES, path)


def whole_rows(path: str, size: int, *, start: int, row_end: Callable[[bytes], int]) -> Iterator[Piece]:
    """Pieces of about `size` bytes from `start` on that end where rows end.

    `row_end` says how long the whole rows are that a text begins with.
    """
    with _open(path) as (text, raw):
        _read(text, start, path)
        offset, used, rest = start, 0, b""
        while block := _read(text, size, path):
            rest += block
            end = row_end(rest)
            if end == 0 and len(rest) > LONGEST_ROW:
                raise DataError(
                    f"{path}: the row at byte {offset:,} is longer than {LONGEST_ROW >> 20} MB.",
                    remedy="Correct it: a quote that is never closed makes one row of all that follows.",
                )
            if end:
                yield Piece(offset, offset + end, raw.tell() - used, rest[:end])
                offset, used, rest = offset + end, raw.tell(), rest[end:]
        if rest:
            yield Piece(offset, offset + len(rest), raw.tell() - used, rest, ended=False)


@contextmanager
def _open(path: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The text of a file, and the file itself, whose position tells how much of it is used."""
    with Path(path).open("rb") as raw:
        yield (cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_compressed(path) else raw), raw


def _read(text: IO[bytes], size: int, path: str) -> bytes:
    try:
        return text.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} can't be decompressed: {error}.", remedy="Check the file, or get it anew.") from None
