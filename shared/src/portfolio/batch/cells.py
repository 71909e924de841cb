"""From cells to a frame: numbers as float64, texts as str, and which cells were neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, TypeAdapter, ValidationError

from portfolio.data.frames import floats
from portfolio.data.rules import Mask
from portfolio.spec import Column, Frame, Request

Cells = tuple[np.ndarray[Any, Any], Mask]
"""A frame's column, and the cells that it can't show."""

NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity))$"


def frame_of_table(table: pa.Table, columns: Sequence[Column]) -> tuple[Frame, dict[str, Mask]]:
    """The request's columns of a table whose number columns are numbers, or text in the lax way of CSV."""
    absent = pa.nulls(len(table))
    cells = {
        column.name: table[column.name].combine_chunks() if column.name in table.column_names else absent
        for column in columns
    }
    return _gathered({column.name: _column(cells[column.name], column) for column in columns})


def frame_of_objects(objects: Sequence[Mapping[str, Any]], request: type[Request]) -> tuple[Frame, dict[str, Mask]]:
    """The request's columns of JSON objects, strictly: "40" and true are no numbers, null is no text."""
    strict = {
        column.name: _strict(column, [row.get(column.name, ...) for row in objects], *_takes(request, column.name))
        for column in request.COLUMNS
    }
    return _gathered(strict)


def json_text(values: Iterable[Any]) -> pa.Array:
    """Values of any kind as text: a text as it is, anything else as JSON."""
    return pa.array([_as_text(value) for value in values], pa.string())


def _gathered(cells: dict[str, Cells]) -> tuple[Frame, dict[str, Mask]]:
    frame = {name: values for name, (values, _) in cells.items()}
    return frame, {name: doubtful for name, (_, doubtful) in cells.items() if doubtful.any()}


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _column(cells: pa.Array, column: Column) -> Cells:
    if not column.numeric:
        return _texts(cells)
    if pa.types.is_string(cells.type):
        return _lax_numbers(cells)
    return _float64(cells.cast(pa.float64(), safe=False)), np.zeros(len(cells), dtype=bool)


def _texts(cells: pa.Array) -> Cells:
    encoded = cells if pa.types.is_dictionary(cells.type) else cells.cast(pa.string()).dictionary_encode()
    # few values stand in many rows: each becomes one str object, which all of its rows share
    values = encoded.dictionary.cast(pa.string()).fill_null("").to_pylist()
    distinct = np.array([*values, ""], dtype=object)
    return distinct[encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)], np.zeros(
        len(cells), dtype=bool
    )


def _lax_numbers(cells: pa.Array) -> Cells:
    """An empty cell is missing; spaces around a number, a plus sign and 40.0 for 40 are taken."""
    try:
        written = pc.if_else(pc.equal(cells, ""), None, cells)
        numbers = _float64(written.cast(pa.float64()))
        if np.isfinite(numbers).sum() == len(cells) - written.null_count:
            return numbers, np.zeros(len(cells), dtype=bool)
    except pa.ArrowInvalid:
        pass  # some cell is no number: below it is found
    trimmed = pc.utf8_trim_whitespace(cells)
    readable = pc.match_substring_regex(trimmed, NUMBER)
    doubtful = pc.and_(pc.invert(readable), pc.not_equal(trimmed, ""))
    numbers = _float64(pc.if_else(readable, trimmed, None).cast(pa.float64()))
    return numbers, doubtful.to_numpy(zero_copy_only=False)


def _float64(numbers: pa.Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)  # a null becomes NaN


def _takes(request: type[Request], name: str) -> tuple[bool, bool]:
    """Whether the field takes null, and whether it takes an empty text."""
    field = request.model_fields[name]
    kind = Annotated[field.annotation, name, *field.metadata]  # type: ignore[name-defined] # Annotated needs something
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=ConfigDict(strict=True))
    return _accepts(adapter, None), _accepts(adapter, "")


def _accepts(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _strict(column: Column, values: list[Any], takes_null: bool, takes_empty: bool) -> Cells:
    """`...` is a field that is absent."""
    kinds = (float, int) if column.numeric else (str,)
    fine = {type(...), *kinds, *([type(None)] if takes_null else [])}
    doubtful = _where(values, lambda value: type(value) not in fine)
    if column.numeric:
        numbers = floats([value if type(value) in kinds else None for value in values])
        return numbers, doubtful | (np.isnan(numbers) & _where(values, lambda value: type(value) is float))
    texts = np.empty(len(values), dtype=object)
    texts[:] = [value if type(value) is str else "" for value in values]
    return texts, doubtful if takes_empty else doubtful | _where(values, lambda value: value == "")


def _where(values: list[Any], holds: Callable[[Any], bool]) -> Mask:
    return np.fromiter(map(holds, values), dtype=bool, count=len(values))
