"""CSV files as people have them: read whatever the separator, written so that no spreadsheet runs a cell."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SEPARATORS = ",;\t"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TableError(Exception):
    """A file that can't be used at all; `remedy` says what to do."""

    def __init__(self, words: str, remedy: str) -> None:
        super().__init__(words)
        self.words, self.remedy = words, remedy


@dataclass(frozen=True)
class Table:
    """A file as it is: the names of its columns, and its cells; `lines` are the line numbers that the rows begin at."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str


def read(content: bytes, names: Collection[str]) -> Table:
    """A file whose header may have these `names`, among others.

    Raises TableError for what is no CSV with a header, is empty, or names a column twice.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TableError("The file is not UTF-8.", 'Save it as "CSV UTF-8" and upload it again.') from None
    if "\0" in text:
        raise TableError("The file is not text.", "Upload a CSV file, not a workbook.")
    separator = _separator(text.partition("\n")[0], set(names))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[tuple[int, tuple[str, ...]]] = []
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((before + 1, tuple(cells)))
            before = reader.line_num
    except csv.Error as error:
        words = f"Line {reader.line_num} is not CSV: {error}."
        raise TableError(words, "Is a double quote open there? Inside a text it is written twice.") from None
    if len(found) < 2:
        raise TableError("The file has no rows.", "The first line names the columns, every further one is a row.")
    header = tuple(name.strip() for name in found[0][1])
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TableError(f"Columns named twice: {', '.join(twice)}.", "Give each column a name of its own.")
    return Table(header, tuple(cells for _, cells in found[1:]), tuple(line for line, _ in found[1:]), separator)


def write(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV in which no text can act as a formula: one that begins like it gets an apostrophe before it."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in header])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def harmless(cell: Any) -> Any:
    """The cell, with an apostrophe before a text that a spreadsheet would run."""
    if not isinstance(cell, str) or not cell.lstrip(" ").startswith(FORMULA):
        return cell
    return cell if _is_number(cell) else f"'{cell}"


def _separator(line: str, names: set[str]) -> str:
    """The one that finds the most fields in the header."""
    found = {each: len(names & {cell.strip().strip('"') for cell in line.split(each)}) for each in SEPARATORS}
    best = max(SEPARATORS, key=lambda each: found[each])
    return best if found[best] else max(SEPARATORS, key=line.count)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
