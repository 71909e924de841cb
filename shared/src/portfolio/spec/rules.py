"""What a candidate must show before it may serve; declared here, judged in `portfolio.gate`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class AtLeast:
    """The metric on the test rows is `limit` or more."""

    metric: str
    limit: float


@dataclass(frozen=True)
class AtMost:
    """The metric on the test rows is `limit` or less."""

    metric: str
    limit: float


@dataclass(frozen=True)
class NoWorse:
    """Not worse than the champion on the same test rows: the paired difference's lower bound is above −`by`.

    `by` is in the metric's own unit, or a share of the champion's value where `relative`.
    """

    metric: str
    _: KW_ONLY
    by: float
    relative: bool = False


Rule = AtLeast | AtMost | NoWorse
