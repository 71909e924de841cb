"""Predictions with their labels as a file, written as they are read: memory does not grow with their number."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from portfolio.errors import ConfigError
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

BEFORE = ("prediction_id", "at", "project", "model_version", "bundle", "role", "entity_id", "request_id")
BETWEEN = ("score", "decision", "latency_ms")
AFTER = ("true_label", "label_timestamp", "label_source")
OWN = BEFORE + BETWEEN + AFTER
TIMES, NUMBERS = ("at", "label_timestamp"), ("score", "decision", "latency_ms", "true_label")
PART = 5_000

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Export:
    """What is wanted: a project's predictions in [since, until), and the file to write, .parquet or .csv."""

    spec: ModelSpec
    since: datetime
    until: datetime
    file: Path


def export(wanted: Export, settings: Settings) -> int:
    """Write the file and return its number of rows; without any there is no file.

    A feature is a column of its own, called `feature_…` where a column of the store has its name. An existing file is
    replaced once the new one is whole. Raises ConfigError or StoreError.
    """
    writer = {".csv": _csv, ".parquet": _parquet}.get(wanted.file.suffix)
    if writer is None:
        raise ConfigError(f"{wanted.file} is neither .parquet nor .csv.", remedy="Name it so.")
    part, number = wanted.file.with_name(f".{wanted.file.name}.part"), 0
    names = named(wanted.spec)
    try:
        with writer(part, wanted.spec) as write, closing(_parts(wanted, settings)) as parts:
            for rows in parts:
                write([_flat(row, names) for row in rows])
                number += len(rows)
        if number:
            part.replace(wanted.file)
    except OSError as error:
        raise ConfigError(f"{wanted.file} can't be written: {error.strerror}.", remedy="Name another.") from None
    finally:
        part.unlink(missing_ok=True)
    return number


def named(spec: ModelSpec) -> dict[str, str]:
    """The columns of the request's fields."""
    return {
        column.name: f"feature_{column.name}" if column.name in OWN else column.name for column in spec.request.COLUMNS
    }


def _parts(wanted: Export, settings: Settings) -> Generator[Sequence[Any]]:
    from sqlalchemy import select

    from portfolio.store.database import reading
    from portfolio.store.tables import LABELS, MODEL_PREDICTIONS

    made, label = MODEL_PREDICTIONS.c, LABELS.c
    columns = [made[name] for name in (*BEFORE, "features", *BETWEEN)] + [label[name] for name in AFTER]
    joined = MODEL_PREDICTIONS.outerjoin(LABELS, label.prediction_id == made.prediction_id)
    inside = (made.project == wanted.spec.name, made.at >= wanted.since, made.at < wanted.until)
    query = select(*columns).select_from(joined).where(*inside).order_by(made.at)
    with reading(settings, MODEL_PREDICTIONS.name) as connection:
        if connection is not None:
            with connection.execution_options(yield_per=PART).execute(query) as streamed:
                yield from streamed.mappings().partitions()


def _flat(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    features = {column: row["features"].get(name) for name, column in names.items()}
    return {name: row[name] for name in OWN} | features


def _columns(spec: ModelSpec) -> list[str]:
    return [*BEFORE, *named(spec).values(), *BETWEEN, *AFTER]


@contextmanager
def _csv(file: Path, spec: ModelSpec) -> Iterator[Callable[[Rows], None]]:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, _columns(spec))
        writer.writeheader()

        def write(rows: Rows) -> None:
            writer.writerows({**row, **{time: row[time].isoformat() for time in TIMES if row[time]}} for row in rows)

        yield write


@contextmanager
def _parquet(file: Path, spec: ModelSpec) -> Iterator[Callable[[Rows], None]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ConfigError("Parquet needs pyarrow.", remedy="pip install 'portfolio[batch]', or name a .csv.") from None
    numeric = {named(spec)[column.name] for column in spec.request.COLUMNS if column.numeric} | set(NUMBERS)
    kinds = {name: pa.float64() if name in numeric else pa.string() for name in _columns(spec)}
    schema = pa.schema(kinds | dict.fromkeys(TIMES, pa.timestamp("us", tz="UTC")))
    with parquet.ParquetWriter(file, schema) as writer:

        def column(rows: Rows, name: str) -> Any:
            try:
                return pa.array([row[name] for row in rows], schema.field(name).type)
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                kind = "a number" if name in numeric else "a text"
                raise ConfigError(
                    f"{name} is {kind} now, and was something else in some of these predictions.",
                    remedy="Name a .csv, which takes both, or fewer days.",
                ) from None

        yield lambda rows: writer.write_table(pa.table([column(rows, name) for name in schema.names], schema=schema))
