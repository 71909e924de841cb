"""What a broken rule of the request class is called, wherever rows come from."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from portfolio.spec import Column

REASONS = {
    "missing": "missing",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge:.15g}",
    "greater_than": "must be more than {gt:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "less_than": "must be less than {lt:.15g}",
    "string_too_short": "may not be empty",
    "string_too_long": "must have at most {max_length} characters",
}


def reason(problem: ErrorDetails, column: Column) -> str:
    """One of pydantic's errors in words, made from the rule and never from the value."""
    if column.choices and problem["type"] != "missing":
        return f"must be one of {', '.join(column.choices)}"
    template = REASONS.get(problem["type"])
    if template:
        return template.format(**problem.get("ctx", {}))
    kind = "a whole number" if column.whole else "a number" if column.numeric else "a text"
    return f"must be {kind}"
