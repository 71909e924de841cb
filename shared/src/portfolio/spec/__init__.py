"""The seam: a project is one ModelSpec value, and all the library knows of a model is in it. Pure."""

from portfolio.spec.frame import Features, Frame, is_missing
from portfolio.spec.model import ModelSpec
from portfolio.spec.request import Column, Request, Response
from portfolio.spec.rules import (
    ANY_MODEL,
    Absolute,
    AtLeast,
    AtMost,
    BundleAtMost,
    Comparison,
    Cooldown,
    Improves,
    Margin,
    MinLabelCoverage,
    MinRows,
    NoWorse,
    NoWorseSlice,
    Rule,
    with_limit,
)
from portfolio.spec.source import Dataset, Source
from portfolio.spec.tasks import HEADLINES, Binary, BinaryOutcome, Outcome, Regression, RegressionOutcome, Task

__all__ = [
    "ANY_MODEL",
    "HEADLINES",
    "Absolute",
    "AtLeast",
    "AtMost",
    "Binary",
    "BinaryOutcome",
    "BundleAtMost",
    "Column",
    "Comparison",
    "Cooldown",
    "Dataset",
    "Features",
    "Frame",
    "Improves",
    "Margin",
    "MinLabelCoverage",
    "MinRows",
    "ModelSpec",
    "NoWorse",
    "NoWorseSlice",
    "Outcome",
    "Regression",
    "RegressionOutcome",
    "Request",
    "Response",
    "Rule",
    "Source",
    "Task",
    "is_missing",
    "with_limit",
]
