"""Why a row is not scored, in the words of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from portfolio.spec import Column, Request

Problem = Mapping[str, object]

MESSAGES = {
    "missing": "missing",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge:.15g}",
    "greater_than": "must be more than {gt:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "less_than": "must be less than {lt:.15g}",
    "string_too_short": "may not be empty",
    "string_too_long": "must have at most {max_length} characters",
}


def problems(request: type[Request], fields: dict[str, Any]) -> tuple[Problem, ...]:
    """What the request class says against an object of known fields; nothing where it takes it."""
    columns = {column.name: column for column in request.COLUMNS}
    try:
        request.parse_object(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return tuple(
            {"field": name, "message": _message(problem, columns[name])}
            for problem in found
            for name in [str(problem["loc"][0])]
        )
    return ()


def row_problem(message: str) -> tuple[Problem, ...]:
    """What is wrong with a row as a whole."""
    return ({"field": "row", "message": message},)


def _message(problem: ErrorDetails, column: Column) -> str:
    if column.choices and problem["type"] != "missing":
        return f"must be one of {', '.join(column.choices)}"
    template = MESSAGES.get(problem["type"])
    if template:
        return template.format(**problem.get("ctx", {}))
    kind = "a whole number" if column.whole else "a number" if column.numeric else "a text"
    return f"must be {kind}"
