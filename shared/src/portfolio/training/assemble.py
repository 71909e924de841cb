"""Writing the bundle: every file under a temporary name, sealed, then renamed into place."""

from __future__ import annotations

import gzip
import inspect
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import yaml

from portfolio.bundle import (
    ANYONE,
    DataProvenance,
    GoldenRow,
    LinearTerms,
    Manifest,
    Parity,
    Purpose,
    Scorer,
    contributions,
    fingerprint,
    load,
    pyfunc,
    seal,
)
from portfolio.data.frames import frame_of, rows_of, take
from portfolio.data.table import Rows
from portfolio.gate import Verdict
from portfolio.profile import profile
from portfolio.settings import CardConfig
from portfolio.spec import ModelSpec
from portfolio.training.attribution import attribute
from portfolio.training.card import render
from portfolio.training.evaluate import Evaluation, Fitted, curves
from portfolio.training.models import LinearModel, TreeModel
from portfolio.training.problem import Problem

GOLDEN_ROWS = 200
REFERENCE_ROWS = 5000
EXPLAINED_ROWS = 20
LIBRARIES = ("portfolio", "lightgbm", "scikit-learn", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Result:
    """All that one training run found out, ready to be written."""

    spec: ModelSpec
    rows: Rows
    problem: Problem
    fitted: Fitted
    evaluation: Evaluation
    graph: bytes
    parity: Parity
    card: CardConfig
    repeatable: bool


@contextmanager
def draft(result: Result, models: Path, *, now: datetime) -> Iterator[Scorer]:
    """A bundle that lacks only its verdict, under a name that goes when it is not completed."""
    version = f"{now:%Y%m%dT%H%M%SZ}-{sha256(result.graph).hexdigest()[:6]}"
    part = models / f".{version}.{os.getpid()}.part"
    part.mkdir(parents=True)
    try:
        manifest = _manifest(result, version, now)
        _write_files(result, part, manifest)
        seal(part, manifest)
        scorer = load(part, result.spec, ANYONE)
        _try_out(scorer)
        yield scorer
    finally:
        shutil.rmtree(part, ignore_errors=True)


def complete(drafted: Scorer, verdict: Verdict) -> Path:
    """Add the verdict and the model card, and give the bundle its name: `models/<version>/`, which is returned."""
    part, manifest = drafted.directory, drafted.manifest.model_copy(update={"verdict": verdict})
    (part / "model_card.md").write_text(render(manifest), encoding="utf-8")
    seal(part, manifest)
    return part.rename(part.with_name(manifest.version))


def _try_out(scorer: Scorer) -> None:
    """What can't be explained must not get as far as a name."""
    golden = [row.request for row in scorer.manifest.golden[:EXPLAINED_ROWS]]
    contributions(scorer, frame_of(golden, scorer.spec.request.COLUMNS))


def _write_files(result: Result, part: Path, manifest: Manifest) -> None:
    (part / "model.onnx").write_bytes(result.graph)
    if isinstance(result.fitted.model, TreeModel):
        result.fitted.model.booster.save_model(part / "booster.txt")
    (part / "MLmodel").write_text(yaml.safe_dump(pyfunc.describe(manifest), sort_keys=False), encoding="utf-8")
    _reference(result).to_parquet(part / "reference.parquet", index=False)
    if result.spec.open_data:
        (part / "data.json.gz").write_bytes(gzip.compress(orjson.dumps(_open_data(result)), mtime=0))


def _manifest(result: Result, version: str, now: datetime) -> Manifest:
    spec, problem, fitted, evaluation = result.spec, result.problem, result.fitted, result.evaluation
    golden = np.arange(min(GOLDEN_ROWS, len(problem.test)))
    return Manifest(
        name=spec.name,
        version=version,
        created=now.isoformat(timespec="seconds"),
        purpose=_purpose(spec, result.card),
        task={"kind": spec.task.kind, "headline": spec.task.headline, "scale": spec.task.scale, **asdict(spec.task)},
        family="lightgbm" if isinstance(fitted.model, TreeModel) else "linear",
        request_schema=spec.request.model_json_schema(),
        numeric=problem.encoder.layout.numeric,
        categorical=problem.encoder.layout.categorical,
        encoded=problem.encoder.columns,
        attribution=attribute(spec.features, problem.test.frame),
        linear=_linear_terms(fitted.model) if isinstance(fitted.model, LinearModel) else None,
        calibration=fitted.calibration,
        threshold=fitted.threshold,
        interval=fitted.interval,
        params={"imbalance": problem.config.imbalance, "seed": problem.config.seed, **fitted.candidate.params},
        repeatable=result.repeatable,
        train_rows=len(problem.train),
        test_rows=len(problem.test),
        metrics=evaluation.metrics,
        slices=evaluation.slices,
        slice_sizes=evaluation.slice_sizes,
        importance=_importance(result),
        curves=curves(spec.task.kind, problem.test.truth, evaluation.predicted),
        parity=result.parity,
        golden=tuple(
            GoldenRow(request=row, score=float(score))
            for row, score in zip(
                rows_of(problem.test.frame, golden.tolist(), spec.request.COLUMNS), _scores(result, golden), strict=True
            )
        ),
        features_fingerprint=fingerprint(spec),
        reference=profile({**problem.test.frame, "score": _scores(result, slice(None))}),
        data=_provenance(result.rows),
        git_commit=_git_commit(spec.root),
        libraries={name: installed(name) for name in LIBRARIES},
    )


def _purpose(spec: ModelSpec, card: CardConfig) -> Purpose:
    request, response = (inspect.getdoc(kind) or "" for kind in (spec.request, spec.response))
    return Purpose(title=spec.title, request=request, response=response, use=card.use, limits=card.limits)


def _scores(result: Result, rows: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    encoder = result.problem.encoder
    return result.fitted.model.score(encoder.encode(result.problem.test.arrays[rows]))


def _provenance(rows: Rows) -> DataProvenance:
    dataset = rows.file.dataset
    return DataProvenance(
        name=dataset.name,
        licence=dataset.licence,
        sha256=rows.file.sha256,
        synthetic=dataset.synthetic,
        rows=len(rows),
        refused=int(rows.refused.bad.sum()),
        out_of_scope=rows.out_of_scope,
    )


def _linear_terms(model: LinearModel) -> LinearTerms:
    vectors = {name: tuple(getattr(model, name).tolist()) for name in ("fill", "center", "scale", "weights")}
    return LinearTerms(intercept=model.intercept, **vectors)


def _importance(result: Result) -> dict[str, float]:
    """Share of each feature in the model's gains, the columns of one text added up, largest first."""
    shares: dict[str, float] = {}
    gains = result.fitted.model.gains()
    for feature, gain in zip(result.problem.encoder.columns, gains / (gains.sum() or 1.0), strict=True):
        shares[feature] = shares.get(feature, 0.0) + float(gain)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _reference(result: Result) -> pd.DataFrame:
    rows = slice(0, REFERENCE_ROWS)
    table = pd.DataFrame(take(result.problem.test.frame, rows))
    return table.assign(
        score=_scores(result, rows),
        prediction=result.evaluation.predicted.value[rows],
        truth=result.problem.test.truth[rows],
    )


def _open_data(result: Result) -> dict[str, Any]:
    """The data by column, with predictions of rows that the predicting model had not seen.

    Training rows are predicted out of fold, test rows by the bundle's model; last come the rows beyond the task's
    bounds, which have no prediction.
    """
    problem, fitted, rows = result.problem, result.fitted, result.rows
    scores = np.empty(len(rows))
    scores[problem.train.rows] = fitted.candidate.scores
    scores[problem.test.rows] = _scores(result, slice(None))
    predicted = fitted.predict(problem, scores)
    columns = {**rows.frame, **rows.extras, result.spec.task.target: rows.target, "prediction": predicted.value}
    if predicted.low is not None and predicted.high is not None:
        columns |= {"prediction_low": predicted.low, "prediction_high": predicted.high}
    unknown = np.full(rows.out_of_scope, np.nan)
    whole = {name: np.append(values, rows.beyond.get(name, unknown)) for name, values in columns.items()}
    return {
        "rows": len(rows) + rows.out_of_scope,
        "columns": {name: _json_column(values) for name, values in whole.items()},
    }


def _json_column(values: np.ndarray[Any, Any]) -> list[Any]:
    if values.dtype == object:
        return [value if value != "" else None for value in values.tolist()]
    return [None if np.isnan(value) else value for value in np.round(values, 2).tolist()]


def _git_commit(folder: Path) -> str:
    if commit := os.environ.get("GIT_COMMIT"):
        return commit
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()
