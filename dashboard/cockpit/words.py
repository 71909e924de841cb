"""Figures and times as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NONE = "–"
MARKDOWN = re.compile(r"([\\`*_{}\[\]#$~|<>]|:(?=[\w/]))")
METRICS = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "f1": "F1",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "ece": "Calibration error",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R²",
    "mape": "Mean relative error",
    "median_ape": "Median error",
    "coverage": "Interval coverage",
    "accuracy": "Accuracy",
}
SHARES = {"mape", "median_ape", "coverage"}
"""Metrics that are shares, shown in per cent."""
AMOUNTS = {"mae", "rmse"}
"""Metrics in the unit of what is predicted."""


def plain(text: str) -> str:
    """A text in which Markdown finds nothing to do."""
    return MARKDOWN.sub(r"\\\1", text)


def number(value: float | None, digits: int = 3) -> str:
    """With so many significant digits, and thousands apart."""
    if value is None:
        return NONE
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:,.{digits}g}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share in per cent."""
    return NONE if share is None else f"{share * 100:.{digits}f}\u00a0%"


def amount(value: float | None, unit: str) -> str:
    """An amount in its unit; dollars have their sign."""
    if value is None:
        return NONE
    return f"${value:,.0f}" if unit == "USD" else f"{value:,.0f} {unit}".strip()


def metric(name: str, value: float | None, unit: str = "") -> str:
    """The value of a metric in what it is measured in."""
    if name in SHARES:
        return percent(value, 1)
    if name in AMOUNTS:
        return amount(value, unit)
    return number(value) if value is None or abs(value) < 0.001 or abs(value) >= 10 else f"{value:.3f}"


def metric_name(name: str) -> str:
    """A metric in words."""
    return METRICS.get(name, name.replace("_", " "))


def interval(name: str, figure: Mapping[str, Any], unit: str = "") -> str:
    """The 95 % interval of a metric."""
    return f"{metric(name, figure.get('low'), unit)} to {metric(name, figure.get('high'), unit)}"


def ago(at: str | datetime | None, now: datetime | None = None) -> str:
    """How long ago that was."""
    return f"{since(at, now)} ago" if at else NONE


def since(at: str | datetime, now: datetime | None = None) -> str:
    """The time that has passed since then."""
    return duration(((now or datetime.now(UTC)) - moment(at)).total_seconds())


def moment(at: str | datetime) -> datetime:
    """A time of a service, which is UTC where it names no zone."""
    then = datetime.fromisoformat(at) if isinstance(at, str) else at
    return then if then.tzinfo else then.replace(tzinfo=UTC)


def duration(seconds: float) -> str:
    """A length of time, in its largest unit."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "moments" if seconds < 10 else f"{int(seconds)} seconds"
