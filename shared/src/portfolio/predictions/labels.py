"""Labels that somebody brings: checked one by one, and joined with the predictions that they tell the truth about.

A label may be older than its prediction: what is scored again, or for a drill, was known before, and clocks differ; the
truth is the same, and its delay counts as none. One from the future is a mistake.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from portfolio.errors import ConfigError
from portfolio.settings import Settings
from portfolio.spec import Binary, ModelSpec, Task
from portfolio.spec.projects import find_project
from portfolio.store import Fits, Joined, Label, join, settle

FIELDS = ("prediction_id", "true_label", "label_timestamp", "label_source")
NEEDED = FIELDS[:2]
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SOURCE_LENGTH = 200
LARGEST = sys.float_info.max
AHEAD = timedelta(days=1)
"""Of this machine's clock; a label may say so much."""


class Wrong(NamedTuple):
    """What is wrong with a field, and what it takes."""

    field: str
    message: str
    allowed: str


def label_of(values: Mapping[str, Any], *, now: datetime, task: Task | None = None) -> Label | tuple[Wrong, ...]:
    """A label, or all that is wrong with it; the value fits the `task` where that is known already.

    Without a time it is `now`; a time without a zone is UTC.
    """
    at = _time(values.get("label_timestamp"), now)
    checked = (
        *(_unknown(name) for name in values if name not in FIELDS),
        _wrong_id(values.get("prediction_id")),
        _wrong_value(values.get("true_label"), task),
        at if isinstance(at, Wrong) else None,
        _wrong_source(values.get("label_source")),
    )
    wrong = tuple(found for found in checked if found)
    if wrong or isinstance(at, Wrong):
        return wrong
    source = values.get("label_source") or ""
    return Label(values["prediction_id"].lower(), float(values["true_label"]), at, source)


def join_labels(
    labels: Sequence[Label], settings: Settings, *, spec: ModelSpec | None = None, replace: bool = False
) -> tuple[Joined, ...]:
    """Record labels of one project's predictions, or of any, and say what became of each. Raises StoreError."""
    return join(labels, settings, fitting(spec), project=spec.name if spec else "", replace=replace)


def settle_aside(settings: Settings, *, spec: ModelSpec | None = None) -> int:
    """Record the labels that came before their predictions were in the store; how many. Raises StoreError."""
    return settle(settings, fitting(spec), project=spec.name if spec else "")


def misfit(value: float, task: Task) -> str:
    """What is wrong with a value as this task's truth, "" where nothing is."""
    if isinstance(task, Binary):
        return "" if value in (0, 1) else "must be 0 or 1"
    return "" if value > 0 else "must be a number above 0"


def fitting(spec: ModelSpec | None) -> Fits:
    """Values by the task of the project that a prediction is of; any number fits one that is not installed here."""

    @cache
    def task(project: str) -> Task | None:
        try:
            return (spec if spec and spec.name == project else find_project(project)).task
        except ConfigError:
            return None

    def fits(project: str, value: float) -> str:
        known = task(project)
        return f"true_label {wrong} for {project}" if known and (wrong := misfit(value, known)) else ""

    return fits


def _unknown(name: str) -> Wrong:
    return Wrong(str(name)[:64], "an unknown field", ", ".join(FIELDS))


def _wrong_id(value: Any) -> Wrong | None:
    if isinstance(value, str) and UUID.fullmatch(value):
        return None
    return Wrong("prediction_id", "must be the id of a prediction, a UUID", "a UUID, as the prediction's answer has it")


def _wrong_value(value: Any, task: Task | None) -> Wrong | None:
    allowed = "a number" if task is None else "0 or 1" if isinstance(task, Binary) else "a number above 0"
    number = isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    if number and not (task and misfit(value, task)):
        return None
    return Wrong("true_label", f"must be {allowed}", allowed)


def _time(value: Any, now: datetime) -> datetime | Wrong:
    if value in (None, ""):
        return now
    wrong = Wrong(
        "label_timestamp", "must be a time as ISO 8601 has it", "such as 2026-03-01T12:00:00Z; UTC by default"
    )
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return wrong
    return wrong._replace(message="must not lie in the future") if at > now + AHEAD else at


def _wrong_source(value: Any) -> Wrong | None:
    if value is None or (isinstance(value, str) and len(value) <= SOURCE_LENGTH and _is_text(value)):
        return None
    allowed = f"a text of at most {SOURCE_LENGTH} printable characters, or nothing"
    return Wrong("label_source", f"must be {allowed}", allowed)


def _is_text(value: str) -> bool:
    return value.isprintable() and "\ufffd" not in value
