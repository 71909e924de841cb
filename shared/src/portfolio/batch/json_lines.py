"""JSON lines: one object a line, read as strictly as a request over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic_core import from_json

from portfolio.batch import texts
from portfolio.batch.answers import answer_names
from portfolio.batch.cells import frame_of_objects
from portfolio.batch.job import Input, Job, Part, Piece
from portfolio.batch.reasons import row_problem
from portfolio.batch.rows import Object, Refusal, Rows
from portfolio.spec import ModelSpec

Line = tuple[int, bytes]


def names(path: str) -> tuple[str, ...]:
    """The fields of the first rows."""
    lines = _lines(texts.first_bytes(path))
    whole = lines[:-1] if len(lines) > 1 else lines  # the last one may be cut off
    found = (fields for _, line in whole if isinstance(fields := _parsed(line), dict))
    return tuple(dict.fromkeys(name for fields in found for name in fields))


def pieces(file: Input, size: int) -> Iterator[Piece]:
    """The lines in pieces of about `size` bytes."""
    return texts.whole_rows(file.path, size, start=0, row_end=lambda text: text.rfind(b"\n") + 1)


def read(job: Job, part: Part, spec: ModelSpec) -> tuple[Rows, list[Refusal]]:
    """The objects of a part, and the lines that hold none or one with fields that the output has no place for."""
    with Path(part.path).open("rb") as file:
        file.seek(part.first)
        lines = _lines(file.read(part.last - part.first))
    objects = _objects([line for _, line in lines])
    answers = answer_names(spec.response)
    known = None if job.writes == "jsonl" else frozenset(job.columns)
    wrong = [_wrong(fields, answers, known) for fields in objects]
    kept = [position for position, message in enumerate(wrong) if not message]
    rows: list[Object] = [objects[position] for position in kept]
    frame, doubtful = frame_of_objects(rows, spec.request)
    refused = [
        Refusal(number, row_problem(message), line.decode("utf-8", errors="replace"))
        for (number, line), message in zip(lines, wrong, strict=True)
        if message
    ]
    numbers = np.array([lines[position][0] for position in kept], dtype=np.int64)
    return Rows(rows, frame, doubtful, numbers), refused


def lines_of(objects: Iterable[Object]) -> Iterator[bytes]:
    """Objects as lines."""
    return (orjson.dumps(fields, default=str, option=orjson.OPT_APPEND_NEWLINE) for fields in objects)


def _lines(text: bytes) -> list[Line]:
    """Lines that are not blank, with their numbers from 1."""
    stripped = (line.strip() for line in text.removeprefix(texts.BYTE_ORDER_MARK).split(b"\n"))
    return list(enumerate((line for line in stripped if line), 1))


def _objects(lines: list[bytes]) -> list[Any]:
    try:
        return [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        return [_parsed(line) for line in lines]


def _parsed(line: bytes) -> Any:
    """What a line holds; its error where it is no JSON. NaN and numbers beyond float64 are left to the rules."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            return from_json(line)
        except ValueError as error:
            return error


def _wrong(fields: Any, answers: tuple[str, ...], known: frozenset[str] | None) -> str:
    if isinstance(fields, ValueError):
        return f"is not valid JSON: {fields}"
    if not isinstance(fields, dict):
        return "must be a JSON object"
    taken = [name for name in answers if name in fields]
    if taken:
        return f"has {', '.join(taken)}, which is the name of an answer"
    unknown = () if known is None else [name for name in fields if name not in known]
    return f"has {', '.join(unknown)}, which the first rows have not" if unknown else ""
