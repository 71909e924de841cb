"""A part's rows as the output holds them: as cells of text, as typed columns, or as JSON objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from portfolio.batch.cells import json_text
from portfolio.batch.job import Job
from portfolio.batch.rows import Object, Rows
from portfolio.spec import Column, ModelSpec, is_missing

AT_A_TIME = 1_000


def passed_table(rows: Rows, job: Job, spec: ModelSpec) -> pa.Table:
    """The input's columns: as they were written where CSV becomes CSV, with the request's types elsewhere."""
    if job.reads in ("parquet", job.writes):
        return rows.passed
    typed = {column.name: _typed(rows, column) for column in spec.request.COLUMNS if column.name in job.columns}
    return pa.table({name: typed[name] if name in typed else _extra(rows, name) for name in job.columns})


def passed_objects(rows: Rows, job: Job, spec: ModelSpec) -> Iterator[Object]:
    """The input's fields, one object a row; few at a time, as they take ten times the room of a table."""
    if isinstance(rows.passed, list):
        yield from rows.passed
    else:
        for batch in passed_table(rows, job, spec).to_batches(max_chunksize=AT_A_TIME):
            yield from batch.to_pylist()


def _typed(rows: Rows, column: Column) -> pa.Array:
    values = rows.frame[column.name]
    missing = is_missing(values)
    if not column.numeric:
        return pa.array(values, pa.string(), mask=missing)
    if column.whole and not column.unbounded:
        return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    return pa.array(values, mask=missing)


def _extra(rows: Rows, name: str) -> pa.Array:
    if isinstance(rows.passed, list):
        return json_text([fields.get(name) for fields in rows.passed])
    values: Any = rows.passed[name].combine_chunks()
    return values
