"""`bundle.json`: all that a bundle says about itself."""

from __future__ import annotations

import inspect
from hashlib import sha256
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from portfolio.bundle.calibration import Calibration
from portfolio.gate import Verdict
from portfolio.measures import Reading, Vector
from portfolio.pointer import FolderName
from portfolio.spec import ModelSpec


class Value(BaseModel):
    """A frozen part of the manifest; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Interval(Value):
    """The prediction interval on the answer's scale: `low` and `high` are added to an answer, between knots `at`."""

    coverage: float
    at: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def bounds(self, answers: Vector) -> tuple[Vector, Vector]:
        """Lower and upper ends for answers [N]; beyond the outer knots the outer widths stay."""
        return answers + np.interp(answers, self.at, self.low), answers + np.interp(answers, self.at, self.high)


class LinearTerms(Value):
    """A linear model's parameters per encoded column, for exact contributions."""

    fill: tuple[float, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float


class GoldenRow(Value):
    """A request and the raw score it had when the bundle was made."""

    request: dict[str, Any]
    score: float


class Parity(Value):
    """How far the exported graph's raw scores are from the fitted model's, over `rows` rows of `kinds`."""

    rows: int
    kinds: dict[str, int]
    largest_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Within the tolerance (a NaN is not)."""
        return self.largest_difference <= self.tolerance


class DataProvenance(Value):
    """What the model was trained on, by content."""

    name: str
    licence: str
    sha256: str
    synthetic: bool
    rows: int
    refused: int
    out_of_scope: int

    @property
    def label(self) -> str:
        """The name as shown wherever a model is shown."""
        return f"{self.name} (synthetic sample)" if self.synthetic else self.name


class Purpose(Value):
    """What the model is for, in words: what goes in, what it answers, what it should not be used for."""

    title: str = ""
    request: str = ""
    response: str = ""
    use: str = ""
    limits: tuple[str, ...] = ()


class Manifest(Value):
    """Format 1. `metrics` has the readings of `model`, `dummy` and `defaults` on the same test rows.

    `slices` are readings by field and value, `slice_sizes` their numbers of test rows. `purpose`, `verdict` and
    `slice_sizes` are missing in bundles of before they were kept.
    """

    format: Literal[1] = 1
    name: str
    version: FolderName
    created: str
    purpose: Purpose = Purpose()
    task: dict[str, Any]
    family: Literal["lightgbm", "linear"]
    request_schema: dict[str, Any]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    encoded: tuple[str, ...]
    attribution: dict[str, tuple[str, ...]]
    linear: LinearTerms | None = None
    calibration: Calibration
    threshold: float | None = None
    interval: Interval | None = None
    params: dict[str, Any]
    repeatable: bool
    train_rows: int
    test_rows: int
    metrics: dict[str, Reading]
    slices: dict[str, dict[str, Reading]]
    slice_sizes: dict[str, dict[str, int]] = {}
    importance: dict[str, float]
    curves: dict[str, Any]
    parity: Parity
    golden: tuple[GoldenRow, ...]
    features_fingerprint: str
    reference: dict[str, Any]
    data: DataProvenance
    git_commit: str
    libraries: dict[str, str]
    verdict: Verdict | None = None
    files: dict[str, str] = {}


def fingerprint(spec: ModelSpec) -> str:
    """sha256 of the source text that turns a request into model columns: the feature and the request module."""
    modules = (inspect.getmodule(spec.features), inspect.getmodule(spec.request))
    return sha256("\n".join(inspect.getsource(module) for module in modules if module).encode()).hexdigest()
