"""Finding the input files and what is in them."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable
from pathlib import Path

from portfolio.batch import csv_files, json_lines, parquet_files
from portfolio.batch.answers import answer_names
from portfolio.batch.job import FormatName, Input, Job, Part
from portfolio.batch.rows import Refusal, Rows
from portfolio.errors import DataError
from portfolio.spec import ModelSpec

ENDINGS: dict[str, FormatName] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
    ".parquet": "parquet",
}
NAMES = {"csv": csv_files.names, "jsonl": json_lines.names, "parquet": parquet_files.names}


def format_of(path: str, *, endings: Iterable[str] = ENDINGS) -> FormatName | None:
    """The format that a file's name says."""
    return next((ENDINGS[ending] for ending in endings if path.lower().endswith(ending)), None)


def find_inputs(where: str) -> tuple[FormatName, tuple[Input, ...]]:
    """A file, a folder's files or a pattern's, sorted by name; raises DataError unless all are of one known format."""
    paths = _paths(where)
    formats = {found for path in paths if (found := format_of(str(path)))}
    if not paths or len(formats) != 1:
        raise DataError(
            f"{where}: {'files of several formats' if formats else 'no file to score'}.",
            remedy=f"Name a file, a folder or a pattern of files of one kind: {', '.join(ENDINGS)}.",
        )
    (reads,) = formats
    return reads, tuple(_input(path, reads) for path in paths)


def check_columns(reads: FormatName, inputs: tuple[Input, ...], spec: ModelSpec) -> None:
    """DataError for what no row can mend: columns twice, missing, of a wrong type, or named like an answer."""
    for file in inputs:
        _check_names(reads, file, inputs[0], spec)
        if reads == "parquet":
            parquet_files.check_types(file.path, spec.request.COLUMNS)
    if reads == "parquet":
        parquet_files.check_same([file.path for file in inputs])


def check_unchanged(job: Job) -> None:
    """DataError where an input file is not the one that the job began with."""
    changed = [file.path for file in job.inputs if _state(Path(file.path)) != (file.size, file.modified)]
    if changed:
        raise DataError(f"{', '.join(changed)} changed while it was scored.", remedy="Run the same command again.")


def columns_of(reads: FormatName, inputs: tuple[Input, ...], spec: ModelSpec) -> tuple[str, ...]:
    """The input's columns as the output orders them: the first file's; of JSON lines, all that were seen."""
    if reads != "jsonl":
        return inputs[0].names
    known = [column.name for column in spec.request.COLUMNS]
    answers = answer_names(spec.response)
    return tuple(name for name in dict.fromkeys([*_all_names(inputs), *known]) if name not in answers)


def read(job: Job, part: Part, spec: ModelSpec) -> tuple[Rows, list[Refusal]]:
    """The rows of a part, and what in it is no row."""
    match job.reads:
        case "csv":
            return csv_files.read(job, part, spec.request)
        case "jsonl":
            return json_lines.read(job, part, spec)
        case "parquet":
            return parquet_files.read(job, part, spec.request), []


def _paths(where: str) -> list[Path]:
    path = Path(where)
    if path.is_dir():
        return sorted(file for file in path.iterdir() if format_of(file.name) and file.name[0] not in "._")
    if path.exists():
        return [path]
    names = glob.glob(where, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    return sorted(Path(name) for name in names if Path(name).is_file())


def _input(path: Path, reads: FormatName) -> Input:
    size, modified = _state(path)
    return Input(path=str(path.resolve()), size=size, modified=modified, names=NAMES[reads](str(path)))


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _check_names(reads: FormatName, file: Input, first: Input, spec: ModelSpec) -> None:
    optional = {column.name for column in spec.request.COLUMNS if column.optional}
    known = [column.name for column in spec.request.COLUMNS]
    _refuse(file, "already has, as answers are named,", [n for n in answer_names(spec.response) if n in file.names])
    if reads == "jsonl":
        return  # its rows need not have the same fields
    _refuse(file, "has more than once", sorted({name for name in file.names if file.names.count(name) > 1}))
    _refuse(file, "lacks", [name for name in known if name not in file.names and name not in optional])
    _refuse(file, f"differs from {first.path} in", sorted(set(file.names) ^ set(first.names)))


def _refuse(file: Input, what: str, names: Collection[str]) -> None:
    if names:
        raise DataError(
            f"{file.path} {what} the column(s) {', '.join(names)}; it has {', '.join(file.names[:30])}.",
            remedy="Rename or add columns; their order is free, and others than the request's may stay.",
        )


def _all_names(inputs: tuple[Input, ...]) -> list[str]:
    return [name for file in inputs for name in file.names]
