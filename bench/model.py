"""The one model of the bench: the bundle that the service loads, and the same trees as a scikit-learn pipeline."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from portfolio.bundle import Scorer
from portfolio.bundle.scorer import sigmoid
from portfolio.data import source, split, table
from portfolio.data.frames import frame_of
from portfolio.errors import PortfolioError
from portfolio.serving.resolve import resolve
from portfolio.settings import read_config, read_settings
from portfolio.spec import Frame, ModelSpec
from portfolio.spec.projects import find_project
from portfolio.training.problem import Problem, pose

PROJECT = "bankchurn"
ROOT = Path(__file__).parents[1]
BENCH = ROOT / ".bench"
PIPELINE = BENCH / "pipeline.joblib"
TOLERANCE = 1e-4
SKLEARN_NAMES = {
    "min_data_in_leaf": "min_child_samples",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "lambda_l2": "reg_lambda",
    "seed": "random_state",
}

NOT_COPIED = shutil.ignore_patterns("raw", "journal", "tests", "mlruns", "__pycache__")

Row = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """What is served: the bundle, request rows it never trained on, and how far the pipeline is from it."""

    spec: ModelSpec
    scorer: Scorer
    problem: Problem
    rows: tuple[Row, ...]
    difference: float

    def probability(self, row: Row) -> float:
        """The service's answer: calibrated."""
        frame = frame_of([row], self.spec.request.COLUMNS)
        return float(sigmoid(self.scorer.answers(self.scorer.margins(frame)))[0])

    def uncalibrated(self, row: Row) -> float:
        """The trees' own probability, which is what the pipeline gives."""
        frame = frame_of([row], self.spec.request.COLUMNS)
        return float(sigmoid(self.scorer.margins(frame).astype(np.float64))[0])


def prepare() -> Model:
    """Find the live bundle (train one where there is none), fit the pipeline on the same rows, and compare the two."""
    spec = find_project(PROJECT)
    scorer = _live(spec)
    copy_project("service")
    problem = _pose(spec)
    pipeline = _fit(scorer, problem)
    BENCH.mkdir(exist_ok=True)
    joblib.dump(pipeline, PIPELINE)
    theirs = pipeline.predict_proba(pd.DataFrame(problem.test.frame))[:, 1]
    ours = sigmoid(scorer.margins(problem.test.frame).astype(np.float64))
    rows = tuple(row.request for row in scorer.manifest.golden)
    return Model(spec, scorer, problem, rows, float(np.abs(theirs - ours).max()))


def copy_project(copy: str, *, journal: bool = True) -> None:
    """A copy of the project, so that what is asked here is kept in no journal and no store of anybody's."""
    folder = BENCH / "copies" / copy
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "projects" / PROJECT, folder / PROJECT, ignore=NOT_COPIED)
    with (folder / PROJECT / "configs" / "config.yaml").open("a", encoding="utf-8") as config:
        config.write(f"\njournal: {str(journal).lower()}\n")


def as_pandas(frame: Frame) -> pd.DataFrame:
    """Request rows as the pipeline takes them."""
    return pd.DataFrame(frame)


def _live(spec: ModelSpec) -> Scorer:
    state = resolve(spec)
    if state.model is None:
        subprocess.run([Path(sys.executable).parent / "portfolio", "train", spec.name], check=False)
        state = resolve(spec)
    if state.model is None:
        raise PortfolioError(f"There is no model of {spec.name}.", remedy=f"make train PROJECT={spec.name}")
    return state.model.scorer


def _pose(spec: ModelSpec) -> Problem:
    config = read_config(spec.root / "configs" / "config.yaml").training
    file = source.find(spec, mirror=read_settings().data_mirror)
    rows = table.load(spec, file, max_bad_rows=config.max_bad_rows, bad_rows_path=BENCH / "bad_rows.csv")
    return pose(spec, rows, config, salt=split.SALT)


def _fit(scorer: Scorer, problem: Problem) -> Any:
    if scorer.manifest.family != "lightgbm":
        raise PortfolioError("The live model is not of trees.", remedy=f"make train PROJECT={PROJECT}")
    # pickle will name the module as it is imported here, and the peers know no package `bench`
    sys.path.insert(0, str(ROOT / "bench" / "peers" / "pipeline"))
    churn_pipeline = importlib.import_module("churn_pipeline")
    params = {SKLEARN_NAMES.get(name, name): value for name, value in scorer.manifest.params.items()}
    del params["imbalance"]
    pipeline = churn_pipeline.build(params)
    return pipeline.fit(as_pandas(problem.train.frame), problem.train.truth.astype(int))
