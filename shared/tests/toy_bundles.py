"""Real bundles, of toys or of any other project, made in a moment from random rows."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import orjson
from toys import requests

from portfolio.bundle import Calibration, DataProvenance, GoldenRow, Interval, LinearTerms, Manifest, Parity, seal
from portfolio.bundle.manifest import fingerprint
from portfolio.data.frames import frame_of, layout_of, pack
from portfolio.measures import Estimate
from portfolio.spec import Binary, Frame, ModelSpec, Regression
from portfolio.training.attribution import attribute
from portfolio.training.encoder import Encoder, fit_encoder
from portfolio.training.export import to_onnx
from portfolio.training.models import LinearModel, Model, TreeModel

DATA = DataProvenance(
    name="Orders", licence="CC0", sha256="0" * 64, synthetic=True, rows=500, refused=0, out_of_scope=0
)


def write(spec: ModelSpec, directory: Path, *, seed: int, family: Literal["lightgbm", "linear"]) -> Path:
    """A sealed bundle of `spec` whose version is the directory's name."""
    frame = frame_of(requests(spec.request, 400, seed=seed), spec.request.COLUMNS)
    made = spec.features(frame)
    layout = layout_of(made)
    encoder = fit_encoder(pack(made, layout), layout)
    encoded = encoder.encode(pack(made, layout))
    model = _trees(spec, encoded, _truth(spec, frame, seed)) if family == "lightgbm" else _linear(encoder.width)
    directory.mkdir(parents=True)
    _write_files(spec, directory, to_onnx(model, encoder), model)
    seal(directory, _manifest(spec, directory.name, encoder, model, attribute(spec.features, frame)))
    return directory


def _write_files(spec: ModelSpec, directory: Path, graph: bytes, model: Model) -> None:
    (directory / "model.onnx").write_bytes(graph)
    if isinstance(model, TreeModel):
        model.booster.save_model(directory / "booster.txt")
    (directory / "model_card.md").write_text(f"# {spec.title}\n", encoding="utf-8")
    if spec.open_data:
        (directory / "data.json.gz").write_bytes(gzip.compress(orjson.dumps({"rows": 1, "columns": {"pieces": [3]}})))


def _manifest(
    spec: ModelSpec, version: str, encoder: Encoder, model: Model, attribution: dict[str, tuple[str, ...]]
) -> Manifest:
    binary = isinstance(spec.task, Binary)
    readings = {"auc" if binary else "mae": Estimate(0.8, 0.7, 0.9)}
    return Manifest(
        name=spec.name,
        version=version,
        created="2026-01-01T00:00:00+00:00",
        task={"kind": spec.task.kind, "scale": spec.task.scale, "target": spec.task.target},
        family="lightgbm" if isinstance(model, TreeModel) else "linear",
        request_schema=spec.request.model_json_schema(),
        numeric=encoder.layout.numeric,
        categorical=encoder.layout.categorical,
        encoded=encoder.columns,
        attribution=attribution,
        linear=_terms(model) if isinstance(model, LinearModel) else None,
        calibration=Calibration(x=(-1.0, 0.0, 1.0), y=(-1.2, 0.1, 1.1)),
        threshold=0.4 if binary else None,
        interval=None if binary else Interval(coverage=0.8, at=(0.0,), low=(-0.2,), high=(0.3,)),
        params={},
        repeatable=True,
        train_rows=400,
        test_rows=100,
        metrics={"model": readings, "dummy": readings, "defaults": readings},
        slices={"colour": {"red": readings}},
        importance={"pieces": 1.0},
        curves={},
        parity=Parity(rows=5, kinds={"test": 5}, largest_difference=1e-7, tolerance=1e-4),
        golden=_golden(spec, encoder, model),
        features_fingerprint=fingerprint(spec),
        reference={},
        data=DATA,
        git_commit="unknown",
        libraries={"lightgbm": lgb.__version__},
    )


def _golden(spec: ModelSpec, encoder: Encoder, model: Model) -> tuple[GoldenRow, ...]:
    rows = requests(spec.request, 5, seed=1)
    arrays = pack(spec.features(frame_of(rows, spec.request.COLUMNS)), encoder.layout)
    scores = model.score(encoder.encode(arrays)).tolist()
    return tuple(GoldenRow(request=row, score=score) for row, score in zip(rows, scores, strict=True))


def _truth(spec: ModelSpec, frame: Frame, seed: int) -> np.ndarray[Any, Any]:
    numbers = [np.nan_to_num(values) for values in frame.values() if values.dtype != object]
    score = sum((values - values.mean()) / (values.std() or 1) for values in numbers) / len(numbers)
    if isinstance(spec.task, Regression):
        return np.asarray(2 + score)  # already on the learned scale, a logarithm
    return (np.random.default_rng(seed).random(len(score)) < 1 / (1 + np.exp(-2 * score))).astype(float)


def _trees(spec: ModelSpec, encoded: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> Model:
    settings = {"objective": spec.task.kind, "num_leaves": 8, "verbose": -1, "num_threads": 1, "deterministic": True}
    return TreeModel(lgb.train(settings, lgb.Dataset(encoded, truth), num_boost_round=10))


def _linear(width: int) -> LinearModel:
    at = np.arange(width, dtype=float)
    return LinearModel(fill=at, center=at / 2, scale=1 + at, weights=np.cos(at), intercept=0.25)


def _terms(model: LinearModel) -> LinearTerms:
    vectors = {name: tuple(getattr(model, name).tolist()) for name in ("fill", "center", "scale", "weights")}
    return LinearTerms(intercept=model.intercept, **vectors)
