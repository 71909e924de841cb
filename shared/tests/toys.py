"""Two toy projects, one of each task kind, and real bundles of them made in a moment."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import orjson
from pydantic import Field

from portfolio.bundle import Calibration, DataProvenance, GoldenRow, Interval, LinearTerms, Manifest, Parity, seal
from portfolio.bundle.manifest import fingerprint
from portfolio.bundle.pointer import Current, write_current
from portfolio.data.frames import frame_of, layout_of, pack
from portfolio.measures import Estimate
from portfolio.spec import Binary, Frame, ModelSpec, Regression, Request, Response, Source
from portfolio.training.attribution import attribute
from portfolio.training.encoder import fit_encoder
from portfolio.training.export import to_onnx
from portfolio.training.models import LinearModel, Model, TreeModel

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


SOURCE = Source(
    file="orders.csv", mirror="", url="", sample="orders.csv.gz", datasets=(), prepare=lambda table: table
)
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


def orders(n: int, *, seed: int = 0) -> list[Row]:
    """Random valid requests, some without weight."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "pieces": int(rng.integers(1, 10)),
            "weight": round(float(rng.gamma(2.0, 3.0)) + 0.01, 2),
            "colour": str(rng.choice(["red", "blue"])),
            "note": str(rng.choice(NOTES)),
        }
        for _ in range(n)
    ]
    return [row if rng.random() > 0.1 else {k: v for k, v in row.items() if k != "weight"} for row in rows]


def write_bundle(
    spec: ModelSpec, directory: Path, *, seed: int = 0, family: Literal["lightgbm", "linear"] = "lightgbm"
) -> Path:
    """Train ten trees, or make a linear model up, and seal them as a bundle whose version is the directory's name."""
    frame = frame_of(orders(400, seed=seed), spec.request.COLUMNS)
    made = spec.features(frame)
    layout = layout_of(made)
    arrays = pack(made, layout)
    encoder = fit_encoder(arrays, layout)
    encoded = encoder.encode(arrays)
    truth = _truth(spec, frame, seed)
    model = _trees(spec, encoded, truth) if family == "lightgbm" else _linear(encoder.width)
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(to_onnx(model, encoder))
    if isinstance(model, TreeModel):
        model.booster.save_model(directory / "booster.txt")
    if spec.open_data:
        (directory / "data.json.gz").write_bytes(gzip.compress(orjson.dumps({"rows": 1, "columns": {"pieces": [3]}})))
    golden = orders(5, seed=1)
    scores = model.score(encoder.encode(pack(spec.features(frame_of(golden, spec.request.COLUMNS)), layout)))
    readings = {"auc" if isinstance(spec.task, Binary) else "mae": Estimate(0.8, 0.7, 0.9)}
    seal(
        directory,
        Manifest(
            name=spec.name,
            version=directory.name,
            created="2026-01-01T00:00:00+00:00",
            task={"kind": spec.task.kind, "scale": spec.task.scale, "target": spec.task.target},
            family=family,
            request_schema=spec.request.model_json_schema(),
            numeric=layout.numeric,
            categorical=layout.categorical,
            encoded=encoder.columns,
            attribution=attribute(spec.features, frame),
            linear=_terms(model) if isinstance(model, LinearModel) else None,
            calibration=Calibration(x=(-1.0, 0.0, 1.0), y=(-1.2, 0.1, 1.1)),
            threshold=0.4 if isinstance(spec.task, Binary) else None,
            interval=None if isinstance(spec.task, Binary) else Interval(coverage=0.8, at=(0.0,), low=(-0.2,), high=(0.3,)),
            params={"seed": seed},
            repeatable=True,
            train_rows=400,
            test_rows=100,
            metrics={"model": readings, "dummy": readings, "defaults": readings},
            slices={"colour": {"red": readings}},
            importance={"pieces": 1.0},
            curves={},
            parity=Parity(rows=5, kinds={"test": 5}, largest_difference=1e-7, tolerance=1e-4),
            golden=tuple(GoldenRow(request=row, score=float(s)) for row, s in zip(golden, scores, strict=True)),
            features_fingerprint=fingerprint(spec),
            reference={},
            data=DataProvenance(
                name="Orders",
                licence="CC0",
                sha256="0" * 64,
                synthetic=True,
                rows=500,
                refused=0,
                out_of_scope=0,
            ),
            git_commit="unknown",
            libraries={"lightgbm": lgb.__version__},
        ),
    )
    return directory


def go_live(bundle: Path, *, model_version: str, source: Literal["registry", "local"] = "local") -> None:
    """Let `current` beside a bundle point to it."""
    current = Current(bundle=bundle.name, model_version=model_version, source=source, since="2026-01-02T00:00:00+00:00")
    write_current(bundle.parent / "current", current)


def _truth(spec: ModelSpec, frame: Frame, seed: int) -> np.ndarray[Any, Any]:
    score = 0.3 * frame["pieces"] + 0.1 * np.nan_to_num(frame["weight"]) + (frame["note"] == "express") - 2
    if isinstance(spec.task, Regression):
        return np.asarray(score)  # already on the learned scale, a logarithm
    return (np.random.default_rng(seed).random(len(score)) < 1 / (1 + np.exp(-score))).astype(float)


def _trees(spec: ModelSpec, encoded: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> Model:
    settings = {"objective": spec.task.kind, "num_leaves": 8, "verbose": -1, "num_threads": 1, "deterministic": True}
    return TreeModel(lgb.train(settings, lgb.Dataset(encoded, truth), num_boost_round=10))


def _linear(width: int) -> LinearModel:
    at = np.arange(width, dtype=float)
    return LinearModel(fill=at, center=at / 2, scale=1 + at, weights=np.cos(at), intercept=0.25)


def _terms(model: LinearModel) -> LinearTerms:
    vectors = {name: tuple(getattr(model, name).tolist()) for name in ("fill", "center", "scale", "weights")}
    return LinearTerms(intercept=model.intercept, **vectors)
