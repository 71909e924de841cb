"""Why a model answers as it does: the parts of an explanation, in an order and in words that people can follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cockpit.fields import Field, label_of

Part = Literal["base", "field", "rest", "calibration", "answer"]
MOST, SMALL = 10, 0.01
SCALES = {"log-odds": "log-odds", "log": "logarithms"}


@dataclass(frozen=True)
class Step:
    """A part of the sum, on the explanation's scale; `size` of the answer is the whole sum."""

    part: Part
    label: str
    size: float
    note: str = ""


def steps(explanation: Mapping[str, Any], fields: Sequence[Field], row: Mapping[str, Any]) -> list[Step]:
    """Base, the fields by size with the small ones as one, calibration, answer."""
    by_name = {field.name: field for field in fields}
    sizes = sorted(explanation["contributions"].items(), key=lambda each: -abs(each[1]))
    floor = SMALL * max((abs(size) for _, size in sizes), default=0)
    large = [each for each in sizes if abs(each[1]) >= floor and each[1] != 0][: MOST - 1]
    small = sizes[len(large) :]
    if len(small) == 1:
        large, small = sizes, []
    found = [Step("field", _told(by_name.get(name), name, row.get(name)), size) for name, size in large]
    if small:
        names = ", ".join(_label(by_name.get(name), name) for name, _ in small)
        found.append(Step("rest", f"{len(small)} smaller ones", sum(size for _, size in small), names))
    return [
        Step("base", "Average case", explanation["base"], "Where every explanation starts"),
        *found,
        Step("calibration", "Calibration", explanation["calibration"], "Brings the score to what really happens"),
        Step("answer", "Answer", explanation["answer"]),
    ]


def gap(found: Sequence[Step]) -> float:
    """What the parts miss of the answer; 0 but for rounding."""
    return found[-1].size - math.fsum(step.size for step in found[:-1])


def back(scale: str, value: float) -> float:
    """From the explanation's scale to the answer's own: a probability of log-odds, an amount of its logarithm."""
    if scale == "log-odds":
        return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
    return math.exp(min(value, 700.0)) if scale == "log" else value


def sentence(found: Sequence[Step], what: str) -> str:
    """The two strongest reasons; `what` is moved by them: "the probability", "the price"."""
    strongest = [step for step in found if step.part == "field" and step.size][:2]
    if not strongest:
        return f"No single field moves {what} much."
    first, *more = strongest
    if not more:
        return f"{_named(first)} alone {_verb(first)}s {what}."
    second = more[0]
    if (first.size > 0) == (second.size > 0):
        return f"{_named(first)} and {_named(second)} {_verb(first)} {what} most."
    return f"{_named(first)} {_verb(first)}s {what} most, and {_named(second)} {_verb(second)}s it."


def addition(found: Sequence[Step], scale: str, answer: str) -> str:
    """The sum in figures, and what it comes to; a sum that misses the answer says so."""
    base, whole = (figure(found[place].size, signed=False) for place in (0, -1))
    fields, calibration = figure(math.fsum(step.size for step in found[1:-2])), figure(found[-2].size)
    missed = "" if abs(gap(found)) < 0.005 else f" But the parts miss the answer by {figure(gap(found))}."
    parts = f"{base} (average case) {fields} (fields) {calibration} (calibration)"
    return f"{parts} = {whole} in {scale}, which is {answer}.{missed}"


def figure(size: float, *, signed: bool = True) -> str:
    """With two digits behind the point."""
    return f"{size:{'+' if signed else ''}.2f}".replace("-", "−")


def value_words(field: Field | None, value: Any) -> str:
    """A value of a field as a person writes it; empty where it is not given."""
    if value is None or value == "":
        return ""
    if field is not None and field.kind == "switch":
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        apart = "," if abs(value) >= 10_000 else ""  # a year has no thousands
        return f"{value:{apart}.6g}" if abs(value) < 100_000 else f"{value:,.0f}"
    return str(value)


def _told(field: Field | None, name: str, value: Any) -> str:
    said = value_words(field, value)
    return f"{_label(field, name)}: {said}" if said else f"{_label(field, name)}: not given"


def _label(field: Field | None, name: str) -> str:
    return field.label if field else label_of(name)


def _named(step: Step) -> str:
    """The field with its value: "Age (44)"."""
    name, _, value = step.label.partition(": ")
    return f"{name} ({value})"


def _verb(step: Step) -> str:
    return "raise" if step.size > 0 else "lower"
