"""What comes out: parts in the output's format, joined in the input's order."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import pyarrow as pa

from portfolio.batch import csv_files, json_lines, parquet_files
from portfolio.batch.answers import answer_names, answer_table
from portfolio.batch.columns import passed_objects, passed_table
from portfolio.batch.job import Job
from portfolio.batch.model import Scored
from portfolio.batch.rows import Object
from portfolio.spec import ModelSpec

COPIED_AT_ONCE = 1 << 30
NO_SUCH_CALL = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL})
"""What file systems say that can't copy among themselves."""


def write_part(scored: Scored, job: Job, spec: ModelSpec, target: Path) -> None:
    """The rows of a part with their answers."""
    if job.writes == "jsonl":
        with target.open("wb") as out:
            out.writelines(json_lines.lines_of(_objects(scored, job, spec)))
        return
    table = _table(scored, job, spec)
    if job.writes == "csv":
        target.write_bytes(csv_files.lines(table))
    else:
        parquet_files.write(table, target)


def join_parts(job: Job, spec: ModelSpec, parts: Sequence[Path], target: Path) -> None:
    """One file of all parts."""
    if job.writes == "parquet":
        parquet_files.join(parts, target)
        return
    with target.open("wb", buffering=0) as out:
        if job.writes == "csv":
            out.write(csv_files.header_line((*job.columns, *answer_names(spec.response))))
        for part in parts:
            with part.open("rb", buffering=0) as text:
                _append(text, out)


def _append(text: FileIO, out: FileIO) -> None:
    try:
        while os.copy_file_range(text.fileno(), out.fileno(), COPIED_AT_ONCE):
            pass
    except OSError as error:
        if error.errno not in NO_SUCH_CALL:
            raise
        shutil.copyfileobj(text, out, 1 << 20)


def _table(scored: Scored, job: Job, spec: ModelSpec) -> pa.Table:
    answers = answer_table(scored.answers, spec.response, job.model_version)
    passed = passed_table(scored.rows, job, spec)
    return pa.table([*passed.columns, *answers.columns], names=[*passed.column_names, *answers.column_names])


def _objects(scored: Scored, job: Job, spec: ModelSpec) -> Iterator[Object]:
    passed = passed_objects(scored.rows, job, spec)
    version = {"model_version": job.model_version}
    return (fields | answer | version for fields, answer in zip(passed, scored.answers, strict=True))
