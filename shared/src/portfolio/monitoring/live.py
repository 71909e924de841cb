"""The live bundle as monitoring sees it: its scorer, and a sample of the test rows that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from portfolio.bundle import Scorer, load, read_trust
from portfolio.bundle.live import live_bundle
from portfolio.bundle.scorer import sigmoid
from portfolio.errors import BundleError
from portfolio.measures import Predictions, Reading, Vector
from portfolio.settings import Settings
from portfolio.spec import Frame, ModelSpec

REFERENCE = "reference.parquet"


@dataclass(frozen=True)
class Sample:
    """M test rows of the bundle: request `frame`, raw `scores` and `truth`, float64 [M]."""

    frame: Frame
    scores: Vector
    truth: Vector


@dataclass(frozen=True)
class Live:
    """The bundle that is served. `model_version` is what its answers say."""

    scorer: Scorer
    model_version: str
    sample: Sample

    @property
    def name(self) -> str:
        """The project."""
        return self.scorer.spec.name

    @property
    def bundle(self) -> str:
        """The bundle's own name, which predictions carry."""
        return self.scorer.manifest.version

    @property
    def kind(self) -> str:
        """The task's: binary or regression."""
        return self.scorer.spec.task.kind

    @property
    def test(self) -> Reading:
        """The metrics of its test rows."""
        return self.scorer.manifest.metrics["model"]

    def predictions(self, margins: np.ndarray[Any, Any]) -> Predictions:
        """Raw scores [N] as what the API answers."""
        answers, manifest = self.scorer.answers(margins), self.scorer.manifest
        if manifest.interval is not None:
            value, low, high = np.exp((answers, *manifest.interval.bounds(answers)))
            return Predictions(value, low=low, high=high)
        probability = sigmoid(answers)
        return Predictions(probability, decision=(probability >= (manifest.threshold or 0.5)).astype(np.float64))


def read_live(spec: ModelSpec, settings: Settings) -> Live:
    """Load what the project's pointers name. Raises ModelNotAvailable, BundleError."""
    trust = read_trust(settings)
    named = live_bundle(spec, trust)
    scorer = load(named.folder, spec, trust, pinned=named.digest)
    return Live(scorer, named.model_version, _sample(spec, named.folder / REFERENCE))


def _sample(spec: ModelSpec, file: Path) -> Sample:
    import pandas as pd

    if not file.is_file():
        raise BundleError(f"{file} is not there.", remedy="Train the model anew.")
    table = pd.read_parquet(file)
    frame = {
        column.name: table[column.name].to_numpy(dtype=np.float64 if column.numeric else object)
        for column in spec.request.COLUMNS
    }
    scores, truth = (table[name].to_numpy(dtype=np.float64) for name in ("score", "truth"))
    return Sample(frame, scores, truth)
