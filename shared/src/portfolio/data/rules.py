"""Bulk validation: the request class's rules on whole columns, and a report a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from portfolio.spec import Column, Frame, is_missing

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Breach:
    """One rule of one column and the rows that break it. `examples` are the first few values."""

    column: str
    rule: str
    rows: tuple[int, ...]
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.column}: {self.rule}: {len(self.rows)} row(s), for example {', '.join(self.examples)}"


@dataclass(frozen=True)
class Report:
    """What validation found. `bad` marks the rows that break any rule."""

    breaches: tuple[Breach, ...]
    bad: Mask


def validate(frame: Frame, columns: tuple[Column, ...], *, unreadable: dict[str, Mask] | None = None) -> Report:
    """Ask every rule of every column of N rows.

    `unreadable` marks cells that held text where a number belongs, which the frame can only show as missing.
    """
    bad = np.zeros(len(next(iter(frame.values()))), dtype=bool)
    breaches = []
    for column in columns:
        values = frame[column.name]
        garbled = (unreadable or {}).get(column.name, np.zeros(len(values), dtype=bool))
        for rule, broken in _broken(column, values, garbled):
            if broken.any():
                rows = np.flatnonzero(broken)
                examples = tuple(dict.fromkeys(map(repr, values[rows[:20]].tolist())))[:3]
                breaches.append(Breach(column.name, rule, tuple(rows.tolist()), examples))
                bad |= broken
    return Report(tuple(breaches), bad)


def _broken(column: Column, values: np.ndarray[Any, Any], garbled: Mask) -> Iterator[tuple[str, Mask]]:
    missing = is_missing(values)
    if garbled.any():
        yield "must be a number", garbled
    if not column.optional:
        yield "may not be missing", missing & ~garbled
    for rule, broken in (_number_rules if column.numeric else _text_rules)(column):
        mask = np.zeros(len(values), dtype=bool)
        mask[~missing] = broken(values[~missing])
        yield rule, mask


def _number_rules(column: Column) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    low, high = column.low, column.high
    yield "must be finite", lambda v: ~np.isfinite(v)
    if column.whole:
        yield "must be a whole number", lambda v: np.isfinite(v) & (v != np.trunc(v))
    if low is not None:
        yield (
            f"must be {'more than' if column.low_open else 'at least'} {low}",
            ((lambda v: v <= low) if column.low_open else (lambda v: v < low)),
        )
    if high is not None:
        yield (
            f"must be {'less than' if column.high_open else 'at most'} {high}",
            ((lambda v: v >= high) if column.high_open else (lambda v: v > high)),
        )


def _text_rules(column: Column) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    if column.choices:
        allowed = frozenset(column.choices)
        yield f"must be one of {', '.join(column.choices)}", lambda v: np.array([text not in allowed for text in v])
    if column.max_length is not None:
        limit = column.max_length
        yield f"must have at most {limit} characters", lambda v: np.array([len(text) > limit for text in v])
