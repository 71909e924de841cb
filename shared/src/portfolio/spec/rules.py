"""What a candidate must show before it may serve; declared here, judged in `portfolio.gate`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

Fact = Literal["megabytes", "milliseconds", "parity"]
"""Of a bundle: its size, the time that one row takes, the largest difference between graph and fitted model."""


@dataclass(frozen=True)
class AtLeast:
    """The metric on the test rows is `limit` or more."""

    metric: str
    limit: float

    @property
    def name(self) -> str:
        return f"{self.metric} >= {self.limit:g}"


@dataclass(frozen=True)
class AtMost:
    """The metric on the test rows is `limit` or less."""

    metric: str
    limit: float

    @property
    def name(self) -> str:
        return f"{self.metric} <= {self.limit:g}"


@dataclass(frozen=True)
class MinRows:
    """There are `limit` test rows or more."""

    limit: float

    @property
    def name(self) -> str:
        return f"test rows >= {self.limit:g}"


@dataclass(frozen=True)
class MinLabelCoverage:
    """Of the rows to judge by, the share `limit` or more has a label."""

    limit: float

    @property
    def name(self) -> str:
        return f"label coverage >= {self.limit:g}"


@dataclass(frozen=True)
class BundleAtMost:
    """A fact of the bundle itself is `limit` or less."""

    fact: Fact
    limit: float

    @property
    def name(self) -> str:
        return f"bundle {self.fact} <= {self.limit:g}"


@dataclass(frozen=True)
class NoWorse:
    """Not worse than the champion on the same test rows: the paired difference's lower bound is not below −`by`.

    `by` is in the metric's own unit, or a share of the champion's value where `relative`.
    """

    metric: str
    _: KW_ONLY
    by: float
    relative: bool = False

    @property
    def name(self) -> str:
        return f"{self.metric} no worse than champion by {self.by:g}{' of it' if self.relative else ''}"


@dataclass(frozen=True)
class NoWorseSlice:
    """In no slice of the spec worse than the champion by more than the share `by` of its value there.

    `metric` is the task's headline where it is left out.
    """

    metric: str = ""
    _: KW_ONLY
    by: float

    @property
    def name(self) -> str:
        return f"{self.metric or 'headline'} of no slice worse than champion by {self.by:g} of it"


@dataclass(frozen=True)
class Improves:
    """Better than the champion by the share `by` of its value, and better at all."""

    metric: str
    _: KW_ONLY
    by: float

    @property
    def name(self) -> str:
        return f"{self.metric} better than champion by {self.by:g} of it"


@dataclass(frozen=True)
class Cooldown:
    """The champion was promoted `limit` hours ago or more."""

    limit: float

    @property
    def name(self) -> str:
        return f"hours since the last promotion >= {self.limit:g}"


Absolute = AtLeast | AtMost | MinRows | MinLabelCoverage | BundleAtMost
"""Asked of the candidate alone."""
Comparison = NoWorse | NoWorseSlice | Improves | Cooldown
"""Asked beside the champion; not applicable where there is none."""
Rule = Absolute | Comparison
Margin = NoWorse | NoWorseSlice | Improves
"""Their limit is a difference to the champion, `by`."""

ANY_MODEL: tuple[Rule, ...] = (
    MinRows(200),
    MinLabelCoverage(0.95),
    BundleAtMost("megabytes", 25),
    BundleAtMost("milliseconds", 5),
    BundleAtMost("parity", 5e-5),
    NoWorseSlice(by=0.05),
)
"""Asked of every model, before the rules of its project."""


def with_limit(rule: Rule, limit: float) -> Rule:
    """The same rule with another limit."""
    return replace(rule, by=limit) if isinstance(rule, Margin) else replace(rule, limit=limit)
