"""Which rows are scored: whole columns are asked; what they refuse goes through the request class, for the reason."""

from __future__ import annotations

import numpy as np

from portfolio.batch.reasons import Problem, problems
from portfolio.batch.rows import Refusal, Rows
from portfolio.data.rules import Mask, Report
from portfolio.data.rules import validate as validate_columns
from portfolio.spec import Request


def validate(rows: Rows, request: type[Request]) -> tuple[Rows, list[Refusal]]:
    """The rows that keep every rule, and the others with what is wrong with them."""
    if len(rows) == 0:
        return rows, []
    report = validate_columns(rows.frame, request.COLUMNS, unreadable=rows.doubtful)
    return rows.only(~report.bad), _refusals(rows, request, report)


def refuse(rows: Rows, refused: Mask, reasons: list[tuple[Problem, ...]]) -> tuple[Rows, list[Refusal]]:
    """Take the marked rows out, with one reason each."""
    at = np.flatnonzero(refused).tolist()
    gone = [Refusal(int(rows.numbers[row]), why, rows.raw(row)) for row, why in zip(at, reasons, strict=True)]
    return rows.only(~refused), gone


def _refusals(rows: Rows, request: type[Request], report: Report) -> list[Refusal]:
    return [
        Refusal(
            int(rows.numbers[row]),
            problems(request, rows.asked(row, request.COLUMNS)) or _broken_rules(report, row),
            rows.raw(row),
        )
        for row in np.flatnonzero(report.bad).tolist()
    ]


def _broken_rules(report: Report, row: int) -> tuple[Problem, ...]:
    return tuple({"field": breach.column, "message": breach.rule} for breach in report.breaches if row in breach.rows)
