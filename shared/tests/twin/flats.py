"""A small project whose data has all that a twin must keep: blanks, formats, rare numbers, rows listed again."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from portfolio.spec import Dataset, ModelSpec, Request, Response, Source, Task

ROWS = 1500
RECIPE = """\
rows: 1500
limit: 0.1
splits: 2
counted: {id: 101}
constant: {owner: Nobody}
alone: [posted]
model: {trees: 40, leaves: 7}
"""


class Flat(Request):
    """A flat to let."""

    rooms: int | None = Field(None, ge=1, le=9)
    age: float | None = Field(None, ge=0, le=200)
    city: str | None = Field(None, max_length=20)
    area: float = Field(gt=0, le=1000)


class Answer(Response):
    """Nothing beside the identifiers."""


def flats() -> pd.DataFrame:
    """A quarter of the flats is listed twice. `rooms` is written 3, `age` 3.0; both and `city` have blanks."""
    rng = np.random.default_rng(5)
    rooms = rng.integers(1, 8, ROWS)
    city = rng.choice(["Ayr", "Bath", "Cork", "Deal"], ROWS, p=[0.5, 0.3, 0.15, 0.05]).astype(object)
    area = np.round(18.0 * rooms * rng.lognormal(0.0, 0.25, ROWS), 2)
    rent = np.round(12 * area + 300 * (city == "Ayr") + rng.normal(0, 100, ROWS) + 400, -1).astype(int)
    city[rng.random(ROWS) < 0.1] = None
    single = pd.DataFrame(
        {
            "owner": [f"Owner {n}" for n in range(ROWS)],
            "rooms": pd.array(np.where(rng.random(ROWS) < 0.15, None, rooms), dtype="Int64"),
            "age": np.where(rng.random(ROWS) < 0.3, np.nan, rng.integers(0, 60, ROWS)),
            "city": city,
            "area": area,
            "rent": rent,
            "dear": (rent > np.median(rent)).astype(int),
        }
    )
    table = pd.concat([single, single.head(ROWS // 4)], ignore_index=True)
    posted = [f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}" for day in rng.integers(0, 300, len(table))]
    return table.assign(id=np.arange(len(table)), posted=posted)


def _spec(task: Task, folder: Path, real: Path) -> ModelSpec:
    """The project, with the given file pinned as its real data."""
    digest = sha256(real.read_bytes()).hexdigest()
    return ModelSpec(
        name="flats",
        title="Flats",
        request=Flat,
        response=Answer,
        task=task,
        features=dict,
        source=Source(
            file="flats.csv",
            mirror="flats/flats.csv",
            url="http://127.0.0.1:9/flats.csv",
            datasets=(Dataset(name="Flats", licence="none", sha256=(digest,)),),
            prepare=lambda table: table,
        ),
        respond=lambda *_: {},
        folder=folder,
    )


def pin(spec: ModelSpec, sha: str) -> ModelSpec:
    """The project with its twin's content listed."""
    twin = Dataset(name="Flats twin", licence="Apache-2.0", sha256=(sha,), synthetic=True)
    return replace(spec, source=replace(spec.source, datasets=(*spec.source.datasets, twin)))


def keys(rows: pd.DataFrame, fields: list[str]) -> set[tuple[Any, ...]]:
    """Rows as text tuples, for comparing without the library's own way of it."""
    return set(rows[fields].astype(str).itertuples(index=False, name=None))


def write_project(task: Task, folder: Path) -> ModelSpec:
    """The project in a folder of its own, with the real data in data/raw and no sample."""
    for part in ("configs", "data/raw"):
        (folder / part).mkdir(parents=True)
    (folder / "configs" / "config.yaml").write_text("port: 8009\n")
    (folder / "configs" / "twin.yaml").write_text(RECIPE)
    real = folder / "data" / "raw" / "flats.csv"
    flats().drop(columns="rent" if task.target == "dear" else "dear").to_csv(real, index=False)
    return _spec(task, folder, real)
