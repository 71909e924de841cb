"""Why a row is not scored, in the words of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from portfolio.data.reasons import reason
from portfolio.spec import Request

Problem = Mapping[str, object]


def problems(request: type[Request], fields: dict[str, Any]) -> tuple[Problem, ...]:
    """What the request class says against an object of known fields; nothing where it takes it."""
    columns = {column.name: column for column in request.COLUMNS}
    try:
        request.parse_object(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return tuple(
            {"field": name, "message": reason(problem, columns[name])}
            for problem in found
            for name in [str(problem["loc"][0])]
        )
    return ()


def row_problem(message: str) -> tuple[Problem, ...]:
    """What is wrong with a row as a whole."""
    return ({"field": "row", "message": message},)
