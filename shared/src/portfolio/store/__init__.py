"""The store: SQL tables and their migrations. SQLAlchemy is imported at first use: no worker starts with it."""

from portfolio.store.datasets import Dataset, add_dataset, datasets
from portfolio.store.deployments import MOVES, Action, Deployment, Outcome, append, deployments, prepare
from portfolio.store.labels import Fits, Joined, Label, LabelOutcome, join, settle
from portfolio.store.predictions import Prediction, Role, Ship, shipping
from portfolio.store.runs import MonitoringRun, add_run, is_regular, last_run, runs
from portfolio.store.summaries import Summary, Sums, summary
from portfolio.store.windows import Counted, Window, counted, labelled_window, total, window

__all__ = [
    "MOVES",
    "Action",
    "Counted",
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
    "counted",
    "datasets",
    "deployments",
    "is_regular",
    "join",
    "labelled_window",
    "last_run",
    "prepare",
    "runs",
    "settle",
    "shipping",
    "summary",
    "total",
    "window",
]
