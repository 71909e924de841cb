"""Parquet: typed, and as strict about types as a request over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.batch.cells import frame_of_table
from portfolio.batch.job import Input, Job, Part, Piece
from portfolio.batch.rows import Rows
from portfolio.errors import DataError
from portfolio.spec import Column, Request

NUMBERS: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_null,
)
TEXTS: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_null,
)

BUFFER_BYTES = 1 << 16  # else a row group's whole column is read at once


def names(path: str) -> tuple[str, ...]:
    """The columns' names; DataError for what is no Parquet file."""
    return tuple(schema_of(path).names)


def schema_of(path: str) -> pa.Schema:
    """The columns' types."""
    try:
        return pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} can't be read as Parquet: {error}.", remedy="Check the file.") from None


def check_same(paths: Sequence[str]) -> None:
    """DataError where files don't agree on the type of a column."""
    first = schema_of(paths[0])
    for path in paths[1:]:
        other = schema_of(path)
        odd = [name for name in first.names if other.field(name).type != first.field(name).type]
        if odd:
            raise DataError(
                f"{path}: {', '.join(odd)} has another type than in {paths[0]}.", remedy="Write them with one schema."
            )


def check_types(path: str, columns: Iterable[Column]) -> None:
    """DataError where a column's type can't hold what the request has there: texts or truth values for numbers."""
    types = {field.name: field.type for field in schema_of(path)}
    wrong = [
        f"{column.name} is {types[column.name]}, and must be {'a number' if column.numeric else 'text'}"
        for column in columns
        if column.name in types and not _fits(types[column.name], NUMBERS if column.numeric else TEXTS)
    ]
    if wrong:
        raise DataError(f"{path}: {'; '.join(wrong)}.", remedy="Cast the column when writing the file.")


def pieces(file: Input, size: int) -> Iterator[Piece]:
    """Pieces of at most `size` rows, each inside one row group."""
    metadata = pq.read_metadata(file.path)
    start = 0
    for group in range(metadata.num_row_groups):
        end = start + metadata.row_group(group).num_rows
        for first in range(start, end, size):
            last = min(first + size, end)
            yield Piece(first, last, file.size * (last - first) // metadata.num_rows)
        start = end


def read(job: Job, part: Part, request: type[Request]) -> Rows:
    """The rows of a part."""
    table = _read(part, job.columns)
    frame, doubtful = frame_of_table(table, request.COLUMNS)
    return Rows(table, frame, doubtful, np.arange(1, len(table) + 1))


def write(table: pa.Table, target: Path) -> None:
    """A part: in Arrow's own format, as it is read once more when parts are joined."""
    plain = table.replace_schema_metadata().unify_dictionaries()  # what pandas noted of the input is not true of this
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, plain.schema) as writer:
        writer.write_table(plain)


def join(parts: Sequence[Path], target: Path) -> None:
    """One Parquet file of one part or more, a row group each."""
    with _opened(parts[0]) as first, pq.ParquetWriter(target, first.schema) as writer:
        for part in parts:
            with _opened(part) as stored:
                writer.write_table(stored.read_all())


def _opened(part: Path) -> pa.ipc.RecordBatchFileReader:
    return pa.ipc.open_file(pa.memory_map(str(part)))


def _read(part: Part, columns: tuple[str, ...]) -> pa.Table:
    with pq.ParquetFile(part.path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
        if part.first == part.last:
            return file.schema_arrow.empty_table().select(columns)
        group, start = _group(file.metadata, part.first)
        batches = []
        for batch in file.iter_batches(part.last - part.first, row_groups=[group], columns=columns, use_threads=False):
            low, high = (min(max(end - start, 0), len(batch)) for end in (part.first, part.last))
            batches.append(batch.slice(low, high - low))
            start += len(batch)
            if start >= part.last:
                break
        return pa.Table.from_batches(batches)


def _group(metadata: pq.FileMetaData, first: int) -> tuple[int, int]:
    """The row group that holds row `first`, and its own first row."""
    start = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if first < start + rows:
            return group, start
        start += rows
    raise IndexError(first)


def _fits(found: pa.DataType, wanted: tuple[Callable[[pa.DataType], bool], ...]) -> bool:
    kind = found.value_type if pa.types.is_dictionary(found) else found
    return any(is_one(kind) for is_one in wanted)
