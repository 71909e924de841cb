"""The rows of a file as requests, by the schema."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from cockpit.fields import Field
from cockpit.table import Table, write

YES, NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}
ACCEPTED = (
    "UTF-8, one header line with the fields' names in any order, values separated by commas, semicolons or tabs, "
    "texts in double quotes where they contain one. An empty cell is a value that is not known. In files with "
    "semicolons 12,5 is read as 12.5."
)


@dataclass(frozen=True)
class Header:
    """How a header fits a schema: names that are missing though required, missing though optional, and unknown."""

    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    unknown: Mapping[str, str]
    """With the field that was probably meant, or nothing."""


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
