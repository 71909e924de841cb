"""The seam: a project is one ModelSpec value, and all the library knows of a model is in it. Pure."""

from portfolio.spec.frame import Features, Frame, is_missing
from portfolio.spec.model import ModelSpec
from portfolio.spec.request import Column, Request, Response
from portfolio.spec.rules import AtLeast, AtMost, NoWorse, Rule
from portfolio.spec.source import Dataset, Source
from portfolio.spec.tasks import Binary, BinaryOutcome, Outcome, Regression, RegressionOutcome, Task

__all__ = [
    "AtLeast",
    "AtMost",
    "Binary",
    "BinaryOutcome",
    "Column",
    "Dataset",
    "Features",
    "Frame",
    "ModelSpec",
    "NoWorse",
    "Outcome",
    "Regression",
    "RegressionOutcome",
    "Request",
    "Response",
    "Rule",
    "Source",
    "Task",
    "is_missing",
]
