"""The one Scorer: frames in, outcomes out, the same numbers in training, serving and batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort

from portfolio.bundle.manifest import Interval, Manifest
from portfolio.data.frames import Arrays, Layout, pack
from portfolio.errors import RequestRefused
from portfolio.spec import BinaryOutcome, Frame, ModelSpec, Outcome, RegressionOutcome
from portfolio.spec.request import FLOAT32_MAX

REFUSED_ROWS = 20
"""Of a batch, so many rows are named."""

LARGEST_EXPONENT = 709.0
"""exp of more overflows; the probability there is 0 for all purposes."""

Vector = np.ndarray[Any, np.dtype[np.float64]]


class Session(Protocol):
    """Runs a graph: outputs by name, of tensors by name, [N, ...] each."""

    def run(self, outputs: Sequence[str], tensors: Mapping[str, Any], options: None, /) -> list[Any]:
        """All outputs that are named."""


def open_session(graph: bytes) -> Session:
    """A session of onnxruntime without its Python layer, whose checks of names take as long as a small model.

    One thread: threads change the order of sums, and a worker shares its cores with others.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session: Session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])._sess
    return session


def run(session: Session, arrays: Arrays, output: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """One output of the graph, [N, width]. A tensor without columns is no input."""
    tensors = {"numeric": arrays.numeric, "categorical": arrays.categorical}
    result: list[np.ndarray[Any, np.dtype[np.float32]]] = session.run(
        [output], {name: values for name, values in tensors.items() if values.shape[1]}, None
    )
    return result[0]


@dataclass(frozen=True)
class Scorer:
    """A loaded bundle."""

    spec: ModelSpec
    manifest: Manifest
    directory: Path
    session: Session

    @cached_property
    def layout(self) -> Layout:
        """The packed columns' names and order."""
        return Layout(self.manifest.numeric, self.manifest.categorical)

    def arrays(self, frame: Frame) -> Arrays:
        """Features of request rows, packed; raises RequestRefused for a number beyond float32."""
        arrays = pack(self.spec.features(frame), self.layout)
        unbounded = [frame[name] for name in self._unbounded]
        # count_nonzero and not any(), which takes a way through Python that costs a single row a microsecond
        too_large = np.count_nonzero(np.isinf(arrays.numeric))
        if too_large or (unbounded and np.count_nonzero(np.abs(np.concatenate(unbounded)) > FLOAT32_MAX)):
            raise _beyond_float32(frame, arrays)
        return arrays

    def margins(self, frame: Frame) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The model's raw score of each request row, float32 [N]."""
        return run(self.session, self.arrays(frame), "score")[:, 0]

    def encoded(self, frame: Frame) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The matrix the model sees, float32 [N, width]."""
        return run(self.session, self.arrays(frame), "encoded")

    def answers(self, margins: np.ndarray[Any, Any]) -> Vector:
        """Raw scores on the answer's scale: log-odds, or the logarithm of the amount."""
        return self.manifest.calibration.apply(margins.astype(np.float64))

    def outcomes(self, frame: Frame) -> list[Outcome]:
        """One outcome a request row, in order."""
        answers = self.answers(self.margins(frame))
        if self.manifest.interval is not None:
            return _amounts(answers, self.manifest.interval)
        return _decisions(answers, self.manifest.threshold or 0.5)

    @cached_property
    def _unbounded(self) -> list[str]:
        return [column.name for column in self.spec.request.COLUMNS if column.unbounded]


def sigmoid(log_odds: Vector) -> Vector:
    """Probability of given log-odds, float64 [N]."""
    return np.asarray(1.0 / (1.0 + np.exp(np.minimum(-log_odds, LARGEST_EXPONENT))))


def _decisions(answers: Vector, threshold: float) -> list[Outcome]:
    probabilities = sigmoid(answers)
    return [BinaryOutcome(p, int(p >= threshold)) for p in probabilities.tolist()]


def _amounts(answers: Vector, interval: Interval) -> list[Outcome]:
    columns = np.exp((answers, *interval.bounds(answers)))
    return list(map(RegressionOutcome, *columns.tolist()))


def _beyond_float32(frame: Frame, arrays: Arrays) -> RequestRefused:
    problems = [
        {"index": row, "field": name, "message": "too large", "allowed": f"a magnitude of at most {FLOAT32_MAX:.4g}"}
        for row in _large_rows(frame, arrays)
        for name in _large_fields(frame, row)
    ]
    names = dict.fromkeys(str(problem["field"]) for problem in problems)
    return RequestRefused(f"A number is too large to score: {', '.join(names)}.", problems=problems)


def _large_rows(frame: Frame, arrays: Arrays) -> list[int]:
    large = np.isinf(arrays.numeric).any(axis=1)
    for values in frame.values():
        if values.dtype != object:
            large |= np.abs(values) > FLOAT32_MAX
    rows: list[int] = np.flatnonzero(large)[:REFUSED_ROWS].tolist()
    return rows


def _large_fields(frame: Frame, row: int) -> list[str]:
    """The fields that are too large themselves; where only a feature made of them is, all that may have made it so."""
    numbers = [name for name, values in frame.items() if values.dtype != object]
    return [name for name in numbers if abs(frame[name][row]) > FLOAT32_MAX] or numbers
