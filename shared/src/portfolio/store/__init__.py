"""The store: SQL tables and their migrations. SQLAlchemy is imported at first use: no worker starts with it."""

from portfolio.store.datasets import Dataset, add_dataset, datasets
from portfolio.store.deployments import MOVES, Action, Deployment, Outcome, append, deployments, prepare
from portfolio.store.labels import Fits, Joined, Label, LabelOutcome, join, settle
from portfolio.store.predictions import Prediction, Role, Ship, shipping
from portfolio.store.runs import MonitoringRun, add_run, is_regular, last_run, runs
from portfolio.store.summaries import Summary, Sums, summary
from portfolio.store.windows import Window, window

__all__ = [
    "MOVES",
    "Action",
    "Dataset",
    "Deployment",
    "Fits",
    "Joined",
    "Label",
    "LabelOutcome",
    "MonitoringRun",
    "Outcome",
    "Prediction",
    "Role",
    "Ship",
    "Summary",
    "Sums",
    "Window",
    "add_dataset",
    "add_run",
    "append",
    "datasets",
    "deployments",
    "is_regular",
    "join",
    "last_run",
    "prepare",
    "runs",
    "settle",
    "shipping",
    "summary",
    "window",
]
