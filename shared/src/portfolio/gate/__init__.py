"""The gate: every rule is asked of a candidate, none short-circuits, and the verdict says why. Arrays in, no I/O."""

from portfolio.gate.judge import judge
from portfolio.gate.overrides import overridden
from portfolio.gate.verdict import RESAMPLES, Check, Decision, Evidence, Overridden, Verdict

__all__ = ["RESAMPLES", "Check", "Decision", "Evidence", "Overridden", "Verdict", "judge", "overridden"]
