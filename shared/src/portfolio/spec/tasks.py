"""The kinds of task a model can have, and the outcome of each for one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple


class BinaryOutcome(NamedTuple):
    """`probability` of the positive class in [0, 1]; `decision` is 1 where it reaches the threshold."""

    probability: float
    decision: int


class RegressionOutcome(NamedTuple):
    """`value` in the target's unit, `low` and `high` its prediction interval."""

    value: float
    low: float
    high: float


Outcome = BinaryOutcome | RegressionOutcome


@dataclass(frozen=True, kw_only=True)
class Binary:
    """Yes or no. The model's score is a log-odds; its threshold comes from out-of-fold scores inside the training part.

    `threshold` is "f1" (the highest F1) or the cost of a missed positive in units of a false alarm's.
    """

    target: str
    threshold: Literal["f1"] | float = "f1"
    kind: ClassVar[str] = "binary"
    headline: ClassVar[str] = "roc_auc"
    scale: ClassVar[str] = "log-odds"


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A positive amount, learned on its logarithm. `within` are the target's bounds: other rows are out of scope.

    `coverage` is the share of truths that the prediction interval shall hold.
    """

    target: str
    unit: str
    within: tuple[float, float]
    coverage: float = 0.8
    kind: ClassVar[str] = "regression"
    headline: ClassVar[str] = "mae"
    scale: ClassVar[str] = "log"


Task = Binary | Regression
HEADLINES = {task.kind: task.headline for task in (Binary, Regression)}
"""The metric that speaks for a model, by kind of task."""
