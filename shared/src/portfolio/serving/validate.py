"""Bodies as rows by the request class's rules, and what is wrong with those that break them.

Messages are made from the rules, never from what the client sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from portfolio.data.reasons import reason
from portfolio.errors import RequestRefused
from portfolio.spec import Column, Request

Row = Mapping[str, Any]

BATCH_ROWS = 10_000
EXPLAINED_ROWS = 100  # exact contributions of a large model take 25 ms a row
SHOWN = 20
NAME_LENGTH = 64


def validate(request: type[Request], body: bytes) -> Row:
    """One JSON object as a row of fields; raises RequestRefused: 400 for what is no JSON, 422 for a broken rule."""
    try:
        return vars(request.parse(body))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        raise no_json(problems[0]["ctx"]["error"])
    raise refused([_problem(problem, request.COLUMNS) for problem in problems])


def validate_each(request: type[Request], bodies: Iterable[bytes]) -> list[Row | RequestRefused]:
    """A row, or what `validate` raises, for each body."""
    found: list[Row | RequestRefused] = []
    for body in bodies:
        try:
            found.append(validate(request, body))
        except RequestRefused as error:
            found.append(error)
    return found


def validate_batch(request: type[Request], body: bytes, *, most: int) -> list[Row]:
    """The 1 to `most` rows of `{"instances": [...]}`; raises RequestRefused naming index and field of what is wrong."""
    return validate_objects(request, _instances(body, most))


def validate_objects(request: type[Request], objects: Iterable[Any]) -> list[Row]:
    """Objects already parsed from JSON as rows; raises RequestRefused naming index and field of what is wrong."""
    rows: list[Row] = []
    problems: list[dict[str, object]] = []
    for index, fields in enumerate(objects):
        try:
            rows.append(vars(request.parse_object(fields)))
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            problems += [{"index": index, **_problem(problem, request.COLUMNS)} for problem in found]
            if len(problems) > SHOWN:
                break
    if problems:
        raise refused(problems)
    return rows


def check_number(rows: int, most: int) -> None:
    """Raise RequestRefused unless there are 1 to `most` rows."""
    if not 1 <= rows <= most:
        rule = f"1 to {most} rows"
        raise refused([{"field": "body", "message": f"must have {rule}", "allowed": rule}])


def check_names(request: type[Request], names: Iterable[str]) -> None:
    """Raise RequestRefused for columns that are no fields."""
    known = {column.name for column in request.COLUMNS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise refused([_unknown(name[:NAME_LENGTH], request.COLUMNS) for name in unknown[: SHOWN + 1]])


def allowed(column: Column) -> str:
    """What a field takes, in words."""
    if column.choices:
        kind = f"one of {', '.join(column.choices)}"
    elif column.numeric:
        kind = ("a whole number" if column.whole else "a number") + _range(column)
    else:
        kind = "a text" + (f" of at most {column.max_length} characters" if column.max_length is not None else "")
    return f"{kind}, or nothing" if column.optional else kind


def no_json(reason: str) -> RequestRefused:
    """The refusal (400) of what can't be parsed."""
    return RequestRefused(f"The body is not valid JSON: {reason}.", remedy="Send one JSON object in UTF-8.", status=400)


def refused(problems: list[dict[str, object]]) -> RequestRefused:
    """The refusal (422) of what breaks the request class's rules, the first few named."""
    shown = problems[:SHOWN]
    first = shown[0]
    where = f"Row {first['index']}: " if "index" in first else ""
    more = f" There is more: the first {SHOWN} are listed." if len(problems) > SHOWN else ""
    return RequestRefused(
        f"{where}{first['field']} {_sentence(str(first['message']))}{more}",
        remedy="Correct what `errors` names; /docs has the rules and an example.",
        problems=shown,
    )


def _instances(body: bytes, most: int) -> list[Any]:
    try:
        content = from_json(body)
    except ValueError as error:
        raise no_json(str(error)) from None
    instances = content.get("instances") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(instances, list) or not 1 <= len(instances) <= most:
        rule = f"a list of 1 to {most} objects, and nothing beside it"
        raise refused([{"field": "instances", "message": f"must be {rule}", "allowed": rule}])
    return instances


def _sentence(message: str) -> str:
    return f"{message}." if message.startswith(("must", "may")) else f"is {message}."


def _problem(problem: ErrorDetails, columns: tuple[Column, ...]) -> dict[str, object]:
    if not problem["loc"]:
        return {"field": "body", "message": "must be a JSON object", "allowed": "a JSON object"}
    name = str(problem["loc"][0])
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        return _unknown(name[:NAME_LENGTH], columns)
    return {"field": name, "message": reason(problem, column), "allowed": allowed(column)}


def _unknown(name: str, columns: tuple[Column, ...]) -> dict[str, object]:
    known = [column.name for column in columns]
    meant = get_close_matches(name, known, n=1)
    message = f"an unknown field, perhaps {meant[0]}" if meant else "an unknown field"
    return {"field": name, "message": message, "allowed": ", ".join(known)}


def _range(column: Column) -> str:
    low, high = column.low, column.high
    if low is not None and high is not None and not (column.low_open or column.high_open):
        return f" from {low:.15g} to {high:.15g}"
    parts = []
    if low is not None:
        parts.append(f"{'more than' if column.low_open else 'at least'} {low:.15g}")
    if high is not None:
        parts.append(f"{'less than' if column.high_open else 'at most'} {high:.15g}")
    return f", {' and '.join(parts)}" if parts else ""
