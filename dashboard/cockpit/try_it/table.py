"""CSV files of rows, read by a request's schema and written for spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from cockpit.fields import Field

SEPARATORS = ",;\t"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
YES, NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}
ACCEPTED = (
    "UTF-8, one header line with the fields' names in any order, values separated by commas, semicolons or tabs, "
    "texts in double quotes where they contain one. An empty cell is a value that is not known. In files with "
    "semicolons 12,5 is read as 12.5."
)


class TableError(Exception):
    """A file that can't be scored at all; `remedy` says what to do."""

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


@dataclass(frozen=True)
class Header:
    """How a header fits a schema: names that are missing though required, missing though optional, and unknown."""

    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    unknown: Mapping[str, str]
    """With the field that was probably meant, or nothing."""


def read(content: bytes, fields: Sequence[Field]) -> Table:
    """Raises TableError for what is no CSV with a header, is empty, or names a column twice."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TableError("The file is not UTF-8.", 'Save it as "CSV UTF-8" and upload it again.') from None
    if "\0" in text:
        raise TableError("The file is not text.", "Upload a CSV file, not a workbook.")
    separator = _separator(text.partition("\n")[0], {field.name for field in fields})
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


def check(header: Sequence[str], fields: Sequence[Field]) -> Header:
    """What the header lacks, and what it has beside the fields."""
    names = [field.name for field in fields]
    absent = [field for field in fields if field.name not in header]
    meant = {name.lower(): name for name in names if name not in header}
    unknown = {}
    for name in header:
        if name not in names:
            close = get_close_matches(name.lower(), meant, 1, 0.75)
            unknown[name] = meant[close[0]] if close else ""
    return Header(
        tuple(field.name for field in absent if not field.optional),
        tuple(field.name for field in absent if field.optional),
        unknown,
    )


def convert(table: Table, fields: Sequence[Field]) -> list[dict[str, Any] | str]:
    """A request for each row, or in words what is wrong with it; an empty optional cell is None."""
    places = [(field, table.header.index(field.name)) for field in fields if field.name in table.header]
    comma = table.separator == ";"
    return [_row(cells, places, len(table.header), comma) for cells in table.rows]


def sample(fields: Sequence[Field], example: Mapping[str, Any]) -> str:
    """A file to begin with: the example, and the same with all that may be empty left empty."""
    names = [field.name for field in fields]
    bare = {field.name: None if field.optional else example.get(field.name) for field in fields}
    rows = [[example.get(name) for name in names], *([list(bare.values())] if None in bare.values() else [])]
    return write(names, rows)


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


def _row(cells: Sequence[str], places: Sequence[tuple[Field, int]], width: int, comma: bool) -> dict[str, Any] | str:
    if len(cells) != width:
        return f"has {len(cells)} cells where the header has {width}"
    row: dict[str, Any] = {}
    wrong = []
    for field, place in places:
        try:
            row[field.name] = _cell(cells[place], field, comma)
        except ValueError as error:
            wrong.append(f"{field.name} {error}")
    return "; ".join(wrong) or row


def _cell(text: str, field: Field, comma: bool) -> Any:
    """Raises ValueError that says what is wrong."""
    if not text.strip():
        if field.optional:
            return None
        raise ValueError("is empty")
    if not field.numeric:
        return text.strip()
    if field.kind == "switch" and text.strip().lower() in YES | NO:
        return int(text.strip().lower() in YES)
    return _figure(text.strip(), field, comma)


def _figure(text: str, field: Field, comma: bool) -> int | float:
    if comma and text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be a number")
    whole = field.kind in ("integer", "switch") and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
