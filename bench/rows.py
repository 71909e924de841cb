"""Generated rows for the batch figures: each column drawn from the project's data, independently of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from portfolio.spec import Column, Frame

CHUNK = 250_000
SEED = 20
EURO = ("Balance", "EstimatedSalary")


def generate(frame: Frame, columns: tuple[Column, ...], path: Path, *, count: int) -> None:
    """Write `count` rows as CSV, a chunk at a time; the same rows for the same data and count."""
    random = np.random.default_rng(SEED)
    with path.open("wb") as out:
        for begin in range(0, count, CHUNK):
            chunk = _chunk(frame, columns, random, min(CHUNK, count - begin))
            pyarrow.csv.write_csv(chunk, out, pyarrow.csv.WriteOptions(include_header=begin == 0))


def _chunk(frame: Frame, columns: tuple[Column, ...], random: np.random.Generator, size: int) -> pa.Table:
    drawn = {}
    for column in columns:
        values = random.choice(frame[column.name], size)
        if column.name in EURO:  # amounts that do not repeat, as amounts are
            values = np.round(values * random.uniform(0.9, 1.1, size), 2)
        if column.whole:
            values = values.astype(np.int64)
        drawn[column.name] = pa.array(values, from_pandas=True)
    return pa.table(drawn)
