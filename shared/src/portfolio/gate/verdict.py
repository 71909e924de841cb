"""What the gate is given, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from portfolio.measures import Predictions, Vector
from portfolio.spec import Rule

Decision = Literal["promote", "keep", "block"]
"""The candidate may be promoted; the champion stays, as it is as good; the candidate may not serve."""
Consequence = Literal["block", "keep", "advise"]
Outcome = Literal["passed", "failed", "advice", "not applicable"]
RESAMPLES = 1000
"""The fewest draws that a bound at 2.5 % is taken from."""
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Evidence:
    """Candidate and champion (None where there is none) on the same N test rows.

    `slices` are masks [N] of the rows in each, None where the project names none; `facts` are those of the bundle. A
    number that is missing fails its rule. Raises ValueError for too few `resamples`.
    """

    kind: str
    truth: Vector
    groups: np.ndarray[Any, np.dtype[np.int64]]
    candidate: Predictions
    champion: Predictions | None
    champion_version: str = ""
    slices: Mapping[str, Mask] | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    label_coverage: float | None = None
    hours_since_promotion: float | None = None
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < RESAMPLES:
            raise ValueError(f"{self.resamples} resamples are too few to judge by: at least {RESAMPLES}.")


@dataclass(frozen=True)
class Answer:
    """What a rule finds. `passed` is None where it doesn't apply; `value` is None where nothing was measured."""

    value: float | None
    limit: float
    passed: bool | None
    why: str


@dataclass(frozen=True)
class Check:
    """One rule's answer, by the rule's declared name. `override` is why its limit is another than declared."""

    rule: str
    value: float | None
    limit: float
    passed: bool | None
    why: str
    consequence: Consequence = "block"
    override: str = ""

    @property
    def counts(self) -> bool:
        """Failed, and not as mere advice."""
        return self.passed is False and self.consequence != "advise"

    @property
    def outcome(self) -> Outcome:
        """How it went, in a word or two."""
        if self.passed is None:
            return "not applicable"
        return "passed" if self.passed else "failed" if self.counts else "advice"


@dataclass(frozen=True)
class Verdict:
    """What the gate says: promote, keep the champion, or block, for the named reasons.

    `champion` is the bundle version that the candidate was compared with; empty where there was none.
    """

    decision: Decision
    checks: tuple[Check, ...]
    champion: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The rules that stand in the way, and why."""
        return tuple(f"{check.rule}: {check.why}" for check in self.checks if check.counts)

    @property
    def failed(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(check.rule for check in self.checks if check.counts)


@dataclass(frozen=True)
class Overridden:
    """A rule with another limit than the spec declares under the name `declared`."""

    rule: Rule
    declared: str
    reason: str
