"""Two toy projects, one of each task kind. Light enough for a worker: what trains is in toy_bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from portfolio.bundle import sign
from portfolio.bundle.keys import require_signing_key
from portfolio.pointer import Current, write_current
from portfolio.settings import read_settings
from portfolio.spec import Binary, Column, Frame, ModelSpec, Regression, Request, Response, Source

Row = dict[str, Any]


class Order(Request):
    """An order. It has every kind of field."""

    pieces: int = Field(ge=1, le=9, description="Pieces ordered", examples=[3])
    weight: float | None = Field(None, gt=0, description="Kilograms; may be missing", examples=[2.5])
    colour: Literal["red", "blue"] = Field(examples=["red"])
    note: str = Field("", max_length=20, examples=["fragile"])


class Late(Response):
    """Whether the order will be late."""

    probability: float = Field(ge=0, le=1)
    late: Literal[0, 1]
    mood: str


class Cost(Response):
    """What sending the order costs."""

    cost: float
    low: float
    high: float


ORDER: Row = {"pieces": 3, "weight": 2.5, "colour": "red", "note": "fragile"}
NOTES = ("", "fragile", "express", "gift")


def features(frame: Frame) -> Frame:
    """The request's fields, and one made of two of them."""
    return {**frame, "load": frame["pieces"] * frame["weight"]}


def say_late(outcome: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """An answer that needs the project's configuration."""
    return {
        "probability": outcome.probability,
        "late": outcome.decision,
        "mood": options["moods"][outcome.decision],
    }


def say_cost(outcome: Any, _options: Mapping[str, Any]) -> dict[str, Any]:
    """An amount with its interval."""
    return {"cost": outcome.value, "low": outcome.low, "high": outcome.high}


SOURCE = Source(file="orders.csv", mirror="", url="", datasets=())
LATE = ModelSpec(
    name="toylate",
    title="Late orders",
    request=Order,
    response=Late,
    task=Binary(target="late"),
    features=features,
    source=SOURCE,
    respond=say_late,
)
COST = replace(
    LATE,
    name="toycost",
    title="Cost of orders",
    response=Cost,
    task=Regression(target="cost", unit="EUR", within=(1, 1000)),
    respond=say_cost,
    open_data=True,
)


def project(spec: ModelSpec, folder: Path) -> ModelSpec:
    """The toy in a folder of its own, with its configuration and without a model."""
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "config.yaml").write_text("port: 8101\nresponse:\n  moods: [calm, worried]\n")
    return replace(spec, folder=folder)


def requests(request: type[Request], n: int, *, seed: int = 0) -> list[Row]:
    """Random valid requests of any request class; one optional field in ten is missing."""
    rng = np.random.default_rng(seed)
    drawn = [{column.name: _draw(column, rng) for column in request.COLUMNS} for _ in range(n)]
    optional = {column.name for column in request.COLUMNS if column.optional}
    return [{k: v for k, v in row.items() if k not in optional or rng.random() > 0.1} for row in drawn]


def orders(n: int, *, seed: int = 0) -> list[Row]:
    """Random valid orders."""
    return requests(Order, n, seed=seed)


def write_bundle(
    spec: ModelSpec, directory: Path, *, seed: int = 0, family: Literal["lightgbm", "linear"] = "lightgbm"
) -> Path:
    """A candidate of ten trees, or of a made-up linear model, signed with the key of these tests."""
    bundle = write_candidate(spec, directory, seed=seed, family=family)
    sign(bundle, require_signing_key(read_settings().signing_key_file))
    return bundle


def write_candidate(
    spec: ModelSpec, directory: Path, *, seed: int = 0, family: Literal["lightgbm", "linear"] = "lightgbm"
) -> Path:
    """A sealed bundle whose version is the directory's name; nobody has signed it."""
    from toy_bundles import write  # trains: a served toy must stay as light as a worker

    return write(spec, directory, seed=seed, family=family)


def go_live(bundle: Path, *, model_version: str, source: Literal["registry", "local"] = "local") -> None:
    """Let `current` beside a bundle point to it."""
    current = Current(bundle=bundle.name, model_version=model_version, source=source, since="2026-01-02T00:00:00+00:00")
    write_current(bundle.parent / "current", current)


def _draw(column: Column, rng: np.random.Generator) -> Any:
    if not column.numeric:
        return str(rng.choice(column.choices or NOTES))
    low = column.low or 0.0
    high = low + 10 if column.high is None else column.high
    return (
        int(rng.integers(int(low), int(high) + 1)) if column.whole else round(float(rng.uniform(low, high)), 2) + 0.01
    )
