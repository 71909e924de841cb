"""Where rows of CSV end: at line ends that are not inside quotes."""

from __future__ import annotations

import csv
import io

import numpy as np

QUOTE = ord('"')
BESIDE = np.frombuffer(b',"\r\n', dtype=np.uint8)
END_MARK = "\x00end"


def last_row_end(text: bytes) -> int:
    """Length of the whole rows that `text`, which starts with a row, begins with; 0 where its first row has no end."""
    quotes = _quotes(text)
    if len(quotes) and not _regular(text, quotes):
        return _scanned_end(text)
    newline = b"\n" if b"\n" in text else b"\r"
    end = text.rfind(newline, 0, len(text) if newline == b"\n" else -1)  # what follows a last \r may be its \n
    # an odd number of quotes before it: a line end inside a quoted cell
    while end >= 0 and np.searchsorted(quotes, end) % 2:
        end = text.rfind(newline, 0, end)
    return end + 1


def is_open(text: bytes) -> bool:
    """True where a quoted cell begins in `text`, which starts with a row, and does not end."""
    quotes = _quotes(text)
    if len(quotes) == 0 or _regular(text, quotes):
        return bool(len(quotes) % 2)
    *_, last = csv.reader(io.StringIO(f"{text.decode('latin-1')}\n{END_MARK}", newline=""))
    return last != [END_MARK]


def first_row(text: bytes) -> tuple[list[str], int]:
    """Cells of the first row, and its length in bytes; raises UnicodeDecodeError for what is not UTF-8."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(line.decode("utf-8") for line in lines)
    cells = next(reader, [])
    return cells, sum(map(len, lines[: reader.line_num]))


def _quotes(text: bytes) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    if b'"' not in text:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == QUOTE)


def _regular(text: bytes, quotes: np.ndarray[tuple[int], np.dtype[np.intp]]) -> bool:
    """Every quote opens or closes a cell, or is doubled: then counting them tells what is inside."""
    around = np.frombuffer(b"\n" + text + b"\n", dtype=np.uint8)
    return bool(np.isin(around[quotes[0::2]], BESIDE).all() and np.isin(around[quotes[1::2] + 2], BESIDE).all())


def _scanned_end(text: bytes) -> int:
    """The same for text with quotes in the middle of cells: slow, as every character counts."""
    lines = io.StringIO(text.decode("latin-1"), newline="").readlines()
    reader = csv.reader(lines)
    ends = [reader.line_num for _ in reader]
    return sum(map(len, lines[: ends[-2]])) if len(ends) > 1 else 0
