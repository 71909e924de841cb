"""Whether a body has its protocol's form: what hasn't is refused with 400, which the protocols' own servers answer."""

from __future__ import annotations

from math import isnan
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from portfolio.errors import RequestRefused
from portfolio.serving.validate import NAME_LENGTH, SHOWN, no_json

KINDS = {
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "string_type": "a text",
    "int_type": "a whole number",
}


class Form(BaseModel):
    """Part of a protocol's body. Nothing is converted."""

    model_config = ConfigDict(frozen=True, strict=True)


Body = TypeVar("Body", bound=Form)

Parameters = Annotated[
    dict[str, Any], BeforeValidator(lambda value: {} if value is None else value), Field(default_factory=dict)
]
"""They may be left out, for which some clients write null."""


def read_form(form: type[Body], body: bytes) -> Body:
    """JSON in the protocol's form; raises RequestRefused (400) naming what differs from it."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        raise no_json(problems[0]["ctx"]["error"])
    raise _refused([_problem(problem, form) for problem in problems[:SHOWN]])


def is_missing(value: Any) -> bool:
    """Whether a cell is null, or the NaN that clients write for it."""
    return value is None or (isinstance(value, float) and isnan(value))


def malformed(field: str, rule: str) -> RequestRefused:
    """The refusal of a part of the body, by what it must be."""
    return _refused([{"field": field[:NAME_LENGTH], "message": f"must {rule}", "allowed": rule}])


def _refused(problems: list[dict[str, object]]) -> RequestRefused:
    first = problems[0]
    return RequestRefused(
        f"The body has not the protocol's form: {first['field']} {first['message']}.",
        remedy="/docs shows the form with an example.",
        status=400,
        problems=problems,
    )


def _problem(problem: ErrorDetails, form: type[Form]) -> dict[str, object]:
    field = ".".join(str(part) for part in problem["loc"])[:NAME_LENGTH] or "body"
    if problem["type"] == "extra_forbidden":
        return {"field": field, "message": "is unknown", "allowed": ", ".join(form.model_fields)}
    if problem["type"] == "missing":
        return {"field": field, "message": "is missing", "allowed": "a value"}
    kind = KINDS.get(problem["type"], "as documented")
    return {"field": field, "message": f"must be {kind}", "allowed": kind}
