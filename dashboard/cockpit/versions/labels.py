"""Labels in a CSV file: read line by line, sent in parts, and what became of each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cockpit import table
from cockpit.services import Service, ServiceError
from cockpit.table import TableError

FIELDS = ("prediction_id", "true_label", "label_timestamp", "label_source")
NEEDED = FIELDS[:2]
TOLD = ("line", "outcome", "reason")
"""Columns that a list of problems has beside the others: it can be corrected and sent as it is."""
RECORDED = ("recorded", "repeated", "replaced")
PART = 2_000
"""Labels of one request; the service takes 10,000, smaller parts tell more of the progress."""


@dataclass(frozen=True)
class Line:
    """A line of the file; `reason` says why it makes no label."""

    number: int
    cells: Mapping[str, str]
    reason: str = ""

    @property
    def label(self) -> dict[str, Any]:
        """As the service takes it."""
        value = float(self.cells["true_label"])
        given = {name: self.cells[name] for name in FIELDS if self.cells.get(name)}
        return given | {"true_label": int(value) if value.is_integer() else value}


@dataclass(frozen=True)
class Problem:
    """A line that was not recorded, and why."""

    line: Line
    outcome: str
    reason: str


@dataclass
class Sent:
    """What became of the lines; `trouble` is why the last ones were not sent."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    trouble: ServiceError | None = None

    def note(self, line: Line, outcome: str, reason: str = "") -> None:
        """Count a line, and keep it where it was not recorded."""
        self.counts[outcome] += 1
        if outcome not in RECORDED:
            self.problems.append(Problem(line, outcome, reason))


def read(content: bytes) -> list[Line]:
    """The lines of a CSV file that begins with its columns' names. Raises TableError."""
    found = table.read(content, FIELDS)
    missing = [name for name in NEEDED if name not in found.header]
    unknown = [name[:40] or "(empty)" for name in found.header if name not in FIELDS + TOLD][:5]
    if missing or unknown:
        lacks = f"The file lacks {', '.join(missing)}." if missing else ""
        has = f"It has columns that no label has: {', '.join(unknown)}." if unknown else ""
        raise TableError(f"{lacks} {has}".strip(), f"The first line names {', '.join(FIELDS)}.")
    return [_line(number, found.header, row) for number, row in zip(found.lines, found.rows, strict=True)]


def send(
    lines: Sequence[Line], api: Service, *, key: str = "", replace: bool = False, told: Callable[[int], None]
) -> Sent:
    """Send all that makes a label, part by part; `told` is called with how many lines are done."""
    sent, done = Sent(), 0
    for start in range(0, len(lines), PART):
        part = lines[start : start + PART]
        if sent.trouble is None:
            _send_part(part, api, sent, key=key, replace=replace)
        else:
            for line in part:
                sent.note(line, "not sent", "the service did not take the labels before")
        done += len(part)
        told(done)
    return sent


def rejected_csv(problems: Sequence[Problem]) -> str:
    """The lines that were not recorded, as a CSV that can be corrected and sent again."""
    about = ([each.line.number, each.outcome, each.reason] for each in problems)
    cells = ([each.line.cells.get(name, "") for name in FIELDS] for each in problems)
    return table.write([*FIELDS, *TOLD], [[*own, *told] for own, told in zip(cells, about, strict=True)])


def _send_part(part: Sequence[Line], api: Service, sent: Sent, *, key: str, replace: bool) -> None:
    """One request; what it refuses is taken out and the rest is sent again, as one wrong line refuses all of them."""
    for line in part:
        if line.reason:
            sent.note(line, "refused", line.reason)
    left = [line for line in part if not line.reason]
    query: dict[str, Any] = {"on_conflict": "replace"} if replace else {}
    while left:
        try:
            said = api.post("/labels", {"labels": [line.label for line in left]}, key=key if replace else "", **query)
        except ServiceError as error:
            left = _without_wrong(left, error, sent)
            continue
        for line, each in zip(left, said["labels"], strict=True):
            sent.note(line, each["outcome"], each.get("reason", ""))
        return


def _without_wrong(lines: Sequence[Line], error: ServiceError, sent: Sent) -> list[Line]:
    """The lines that the refusal does not name; none are left where it names none, or is of another kind."""
    wrong = error.rows
    if not wrong:
        sent.trouble = error
        for line in lines:
            sent.note(line, "not sent", error.words)
        return []
    for index, reason in wrong.items():
        sent.note(lines[index], "refused", reason)
    return [line for index, line in enumerate(lines) if index not in wrong]


def _line(number: int, columns: Sequence[str], row: Sequence[str]) -> Line:
    cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
    if len(row) != len(columns):
        return Line(number, cells, f"{len(row)} values where {len(columns)} columns are")
    try:
        finite = math.isfinite(float(cells["true_label"]))
    except ValueError:
        finite = False
    return Line(number, cells, "" if finite else "true_label must be a number")
