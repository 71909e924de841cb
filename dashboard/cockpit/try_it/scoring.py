"""Scoring many rows, where a bad one costs itself alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cockpit.services import Service, ServiceError
from cockpit.table import Table
from cockpit.try_it import tryout

CHUNK = 500
ASIDE = ("prediction_id", "explanation")
PROBLEM = "problem"
Answers = Mapping[str, Any]


@dataclass
class Scored:
    """What became of rows so far, in their order: an answer or a problem for each. `failure` ended it early."""

    total: int
    answers: list[Answers | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refused: int = 0
    failure: ServiceError | None = None

    @property
    def done(self) -> int:
        """How many rows are through."""
        return len(self.answers)


def scored(service: Service, rows: Sequence[Mapping[str, Any] | str]) -> Iterator[Scored]:
    """Score rows, of which a text is a problem already known; yields after every chunk, the same value each time."""
    found = Scored(len(rows))
    for start in range(0, len(rows), CHUNK):
        answers, problems = _chunk(service, rows[start : start + CHUNK], found)
        found.answers += answers
        found.problems += problems
        found.refused += sum(bool(problem) for problem in problems)
        yield found


def result(file: Table, found: Scored) -> tuple[list[str], list[list[Any]]]:
    """Header and rows: the file's own columns, the answer's, and `problem`; none of them twice."""
    names = list(dict.fromkeys(name for answer in found.answers if answer for name in answer if name not in ASIDE))
    shown = [_apart(name, file.header) for name in (*names, PROBLEM)]
    width = len(file.header)
    rows = []
    for cells, answer, problem in zip(file.rows, found.answers, found.problems, strict=True):
        own = [*cells[:width], *[""] * (width - len(cells))]
        rows.append([*own, *[(answer or {}).get(name) for name in names], problem])
    return [*file.header, *shown], rows


def _chunk(
    service: Service, rows: Sequence[Mapping[str, Any] | str], found: Scored
) -> tuple[list[Answers | None], list[str]]:
    answers: list[Answers | None] = [None] * len(rows)
    problems = [row if isinstance(row, str) else "" for row in rows]
    open_rows = [place for place, row in enumerate(rows) if not isinstance(row, str)]
    while open_rows and found.failure is None:
        try:
            given = tryout.answers(service, [row for place in open_rows if not isinstance(row := rows[place], str)])
        except ServiceError as error:
            refused = {open_rows[index]: words for index, words in error.rows.items() if index < len(open_rows)}
            if not refused:
                found.failure = error
            for place, words in refused.items():
                problems[place] = words
            open_rows = [place for place in open_rows if place not in refused]
            continue
        for place, answer in zip(open_rows, given, strict=True):
            answers[place] = answer
        break
    if found.failure is not None:
        problems = [problem or f"not scored: {found.failure.words}" for problem in problems]
    return answers, problems


def _apart(name: str, taken: Sequence[str]) -> str:
    return f"{name} (scored)" if name in taken else name
