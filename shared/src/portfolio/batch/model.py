"""The model as a job uses it: rows in, rows with their answers out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from portfolio.batch.job import Job
from portfolio.batch.likeness import LikeRows
from portfolio.batch.reasons import Problem, row_problem
from portfolio.batch.rows import Refusal, Rows
from portfolio.batch.verdicts import refuse
from portfolio.bundle import ANYONE, Scorer, load
from portfolio.data.frames import pack, take
from portfolio.data.rules import Mask
from portfolio.errors import RequestRefused
from portfolio.spec import Frame, ModelSpec
from portfolio.spec.projects import find_project
from portfolio.spec.request import FLOAT32_MAX


@dataclass(frozen=True)
class Scored:
    """Rows and what the project answers to each."""

    rows: Rows
    answers: list[dict[str, Any]]


@dataclass(frozen=True)
class Model:
    """A verified bundle and the project's options."""

    scorer: Scorer
    options: Mapping[str, Any]

    @property
    def spec(self) -> ModelSpec:
        """The project's spec."""
        return self.scorer.spec

    def score(self, rows: Rows) -> tuple[Scored, list[Refusal]]:
        """Answers to valid rows; refused are those with a number, or a feature made of them, beyond float32."""
        if len(rows) == 0:
            return Scored(rows, []), []
        try:
            return self._scored(rows), []
        except RequestRefused:
            large = _too_large(self.scorer, rows.frame)
        reasons = [_reason(self.scorer, take(rows.frame, [row])) for row in np.flatnonzero(large)]
        fitting, refused = refuse(rows, large, reasons)
        return self._scored(fitting) if len(fitting) else Scored(fitting, []), refused

    def _scored(self, rows: Rows) -> Scored:
        respond, options = self.spec.respond, self.options
        return Scored(rows, [respond(outcome, options) for outcome in self.scorer.outcomes(rows.frame)])


def open_model(job: Job) -> Model:
    """Load what a job names; raises BundleError."""
    # the plan has checked who signed it, on the machine that knows the keys: the digest is what it found
    scorer = load(Path(job.bundle), find_project(job.project), ANYONE, pinned=job.digest)
    if scorer.manifest.family == "lightgbm":
        scorer = replace(scorer, session=LikeRows(scorer.session))
    return Model(scorer, job.options)


def _too_large(scorer: Scorer, frame: Frame) -> Mask:
    large: Mask = np.isinf(pack(scorer.spec.features(frame), scorer.layout).numeric).any(axis=1)
    for column in scorer.spec.request.COLUMNS:
        if column.unbounded:
            large |= np.abs(frame[column.name]) > FLOAT32_MAX
    return large


def _reason(scorer: Scorer, frame: Frame) -> tuple[Problem, ...]:
    try:
        scorer.arrays(frame)
    except RequestRefused as refused:
        return tuple({"field": problem["field"], "message": problem["message"]} for problem in refused.problems)
    return row_problem("too large")
