"""One field moved over its range, everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cockpit.fields import Field
from cockpit.models import Model
from cockpit.try_it import answer, form, reasons, scoring
from cockpit.try_it.charts.curve import Tried
from cockpit.try_it.known import Known

POINTS, BARS = 60, 12
WIDE = 1000.0
"""Bounds further apart say what is possible, not where values lie."""


def movable(fields: Sequence[Field], known: Known) -> list[Field]:
    """Fields with values to try; an open text has some only where the data is open."""
    return [field for field in fields if field.kind != "text" or known.texts.get(field.name)]


def tried(model: Model, known: Known, field: Field, row: Mapping[str, Any]) -> Tried:
    """Ask about every value at once; those that the API refuses are left out. Raises ServiceError."""
    wanted = values(field, row.get(field.name), known)
    found = scoring.Scored(0)
    for found in scoring.scored(model.service, rows(row, field, wanted)):
        if found.failure is not None:
            raise found.failure
    given = zip(wanted, found.answers, strict=True)
    told = [(value, answer.read(body, model.info)) for value, body in given if body is not None]
    return Tried(
        form.name_of(field),
        [value for value, _ in told],
        [reasons.value_words(field, value) or "not given" for value, _ in told],
        [each.value for _, each in told if each.value is not None],
        row.get(field.name),
        [each.low for _, each in told if each.low is not None],
        [each.high for _, each in told if each.high is not None],
    )


def values(field: Field, now: Any, known: Known) -> list[Any]:
    """What to try: numbers in rising order, or choices with None for an optional field left empty; `now` is in it."""
    if field.kind in ("integer", "number"):
        return _numbers(field, now, known)
    found: list[Any] = (
        [0, 1] if field.kind == "switch" else list(field.choices or known.texts.get(field.name, ())[:BARS])
    )
    if now is not None and now != "" and now not in found:
        found.append(now)
    return [*found, None] if field.optional else found


def rows(row: Mapping[str, Any], field: Field, tried: Sequence[Any]) -> list[dict[str, Any]]:
    """The row once for each value; None leaves the field out."""
    rest = {name: value for name, value in row.items() if name != field.name}
    return [rest if value is None else rest | {field.name: value} for value in tried]


def extent(field: Field, now: Any, known: Known) -> tuple[float, float]:
    """From where to where a number is moved: the data's range, the field's bounds, or around the example."""
    near = [float(each) for each in (now, field.example) if isinstance(each, (int, float))] or [1.0]
    size = max(1.0, *map(abs, near))
    if field.name in known.ranges:
        low, high = known.ranges[field.name]
    elif field.low is not None and field.high is not None and field.high - field.low <= WIDE:
        low, high = field.low, field.high
    else:
        low = 0.0 if field.low is None or field.low <= 0 <= max(near) else field.low
        high = max(low, 0.0) + 3 * size
    low, high = min(low, *near), max(high, *near)
    bottom, top = field.low, field.high
    return low if bottom is None else max(low, bottom), high if top is None else min(high, top)


def _numbers(field: Field, now: Any, known: Known) -> list[Any]:
    low, high = extent(field, now, known)
    given = [now] if isinstance(now, (int, float)) else []
    if field.kind == "integer":
        steps = np.unique(np.round(np.linspace(round(low), round(high), POINTS)).astype(int))
        return sorted({*steps.tolist(), *given})
    return sorted({*np.linspace(low, high, POINTS).tolist(), *(float(each) for each in given)})
