"""What one scoring job is: values that are written to disk, sent to other processes and compared."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

FormatName = Literal["csv", "jsonl", "parquet"]
EngineName = Literal["local", "ray"]


class Value(BaseModel):
    """A frozen value that goes to other processes as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Input(Value):
    """One input file. A file of another size or time is another input; `names` are its columns, in its order.

    JSON lines have no header, so `names` are those of the first rows.
    """

    path: str
    size: int
    modified: int
    names: tuple[str, ...]


class Job(Value):
    """All that the result depends on: a job that is equal to an interrupted one goes on with its parts.

    `columns` are the input's columns in the order of the output. `digest` is of the bundle's manifest, `features` of
    the feature code, `options` the `response:` section of the project's configuration.
    """

    project: str
    bundle: str
    digest: str
    features: str
    model_version: str
    options: dict[str, Any]
    inputs: tuple[Input, ...]
    reads: FormatName
    output: str
    writes: FormatName
    columns: tuple[str, ...]
    part_bytes: int
    part_rows: int

    @property
    def size(self) -> int:
        """Bytes of all input files."""
        return sum(file.size for file in self.inputs)


class Piece(NamedTuple):
    """A stretch of a file that can be scored on its own: bytes (or, of Parquet, rows) `first` up to `last`.

    `weight` is its share of the file's bytes; `text` what was read to find its end; not `ended` is what the file
    ends with, without the end of a row.
    """

    first: int
    last: int
    weight: int
    text: bytes = b""
    ended: bool = True


class Part(Value):
    """A piece with its number. `file` is the position in the job's inputs, `path` where its rows are to be read."""

    number: int
    file: int
    path: str
    first: int
    last: int
    weight: int


class Done(Value):
    """A finished part: `rows` that were in it, how many were `refused` and why, and the `size` of its file in bytes."""

    number: int
    file: int
    weight: int
    rows: int
    refused: int
    reasons: dict[str, int]
    size: int
