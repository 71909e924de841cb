"""CSV: read laxly, every cell kept as it was written."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from portfolio.batch import quotes, texts
from portfolio.batch.cells import frame_of_table, json_text
from portfolio.batch.job import Input, Job, Part, Piece
from portfolio.batch.reasons import row_problem
from portfolio.batch.rows import Refusal, Rows
from portfolio.errors import DataError
from portfolio.spec import Request

NOT_UTF8 = "\ufffd"


def names(path: str) -> tuple[str, ...]:
    """The header's cells; raises DataError where there is none."""
    return tuple(_header(path)[0])


def pieces(file: Input, size: int) -> Iterator[Piece]:
    """The rows below the header in pieces of about `size` bytes; raises DataError for a quote that is never closed."""
    _, start = _header(file.path)
    for piece in texts.whole_rows(file.path, size, start=start, row_end=quotes.last_row_end):
        if not piece.ended and quotes.is_open(piece.text):
            raise DataError(
                f"{file.path}: a quote after byte {piece.first:,} is never closed.",
                remedy="Correct that row: a cell that begins with a quote must end with one.",
            )
        yield piece


def read(job: Job, part: Part, request: type[Request]) -> tuple[Rows, list[Refusal]]:
    """The rows of a part, and those that are no rows: cells too many or too few, or not UTF-8."""
    with Path(part.path).open("rb") as file:
        file.seek(part.first)
        text = file.read(part.last - part.first)
    table, ragged = _parse(text, job.inputs[part.file].names)
    table = table.select(job.columns)
    numbers = np.delete(np.arange(1, len(table) + len(ragged) + 1), [refusal.row - 1 for refusal in ragged])
    frame, doubtful = frame_of_table(table, request.COLUMNS)
    rows = Rows(table, frame, doubtful, numbers)
    if text.isascii():
        return rows, ragged
    garbled = _garbled(text, table)
    return rows.only(~garbled), ragged + [
        Refusal(int(numbers[row]), row_problem("is not UTF-8"), rows.raw(int(row))) for row in np.flatnonzero(garbled)
    ]


def lines(table: pa.Table) -> bytes:
    """A table's rows as CSV; a cell is quoted only where it must be."""
    if len(table) == 0:
        return b""
    written = [_text(values.combine_chunks()) for values in table.columns]
    written[-1] = pc.binary_join_element_wise(written[-1], "\n", "")
    joined = pc.binary_join_element_wise(*written, ",")
    _, ends, data = joined.buffers()
    return memoryview(data)[: np.frombuffer(ends, dtype=np.int32)[len(joined)]].tobytes()


def header_line(columns: tuple[str, ...]) -> bytes:
    """The first line of an output."""
    return lines(pa.table({str(position): [name] for position, name in enumerate(columns)}))


def _header(path: str) -> tuple[list[str], int]:
    whole = texts.first_bytes(path)
    try:
        cells, length = quotes.first_row(whole.removeprefix(texts.BYTE_ORDER_MARK))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} can't be read as CSV: {error}.", remedy="Save it as CSV in UTF-8.") from None
    if not cells:
        raise DataError(f"{path} is empty.", remedy="A CSV file begins with the names of its columns.")
    return cells, length + len(whole) - len(whole.removeprefix(texts.BYTE_ORDER_MARK))


def _parse(text: bytes, names: tuple[str, ...]) -> tuple[pa.Table, list[Refusal]]:
    ragged: list[Refusal] = []

    def note(row: Any) -> str:
        message = f"has {row.actual_columns} cells, and the header has {row.expected_columns}"
        ragged.append(Refusal(row.number, row_problem(message), row.text))
        return "skip"

    if not text.isascii():
        text = text.decode("utf-8", errors="replace").encode()
    if not text:
        return pa.table({name: pa.array([], pa.string()) for name in names}), ragged
    table = pyarrow.csv.read_csv(
        pa.BufferReader(text),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, column_names=[str(position) for position in range(len(names))], block_size=len(text) + 1
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={str(position): pa.string() for position in range(len(names))}, strings_can_be_null=False
        ),
    )
    return table.rename_columns(names), ragged


def _garbled(text: bytes, table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows with a cell that is not UTF-8; bytes that can't be decoded were read as the replacement character."""
    garbled = np.zeros(len(table), dtype=bool)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        for values in table.columns:
            garbled |= pc.match_substring(values, NOT_UTF8).to_numpy()
    return garbled


def _text(cells: pa.Array) -> pa.Array:
    written = _as_string(cells)
    if written.null_count:
        written = written.fill_null("")
    content = written.buffers()[2]
    held = b"" if content is None else memoryview(content).tobytes()
    if not any(mark in held for mark in (b'"', b",", b"\n", b"\r")):
        return written
    special = pc.match_substring_regex(written, '[",\r\n]')
    doubled = pc.replace_substring(written, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), written)


def _as_string(cells: pa.Array) -> pa.Array:
    if pa.types.is_string(cells.type):
        return cells
    if pa.types.is_nested(cells.type) or pa.types.is_binary(cells.type):
        return json_text(cells.to_pylist())
    return cells.cast(pa.string())
