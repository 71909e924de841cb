"""The request class: one declaration that HTTP, training rows, batch files, drift and forms all derive from."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import from_json

FLOAT32_MAX = 3.4028234663852886e38


@dataclass(frozen=True)
class Column:
    """What the rest of the library knows of one request field.

    `numeric` columns are float64 in a frame, others text. `whole` numbers have no fraction. `low` and `high` are
    bounds (None: unbounded), exclusive where `low_open` / `high_open`. `choices` is a closed set of
    texts, empty for an open one, which `max_length` bounds.
    """

    name: str
    numeric: bool
    whole: bool = False
    optional: bool = False
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    max_length: int | None = None
    description: str = ""

    @property
    def unbounded(self) -> bool:
        """A number that its own bounds don't keep within what the model can be fed."""
        return self.numeric and not all(
            bound is not None and abs(bound) <= FLOAT32_MAX for bound in (self.low, self.high)
        )


class Request(BaseModel):
    """Base of a project's request class. Strict: no number in quotes, no boolean for a number, no unknown field.

    Declaring a field whose rules can't be derived in bulk (a pattern, a nested model) raises TypeError at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())
    COLUMNS: ClassVar[tuple[Column, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.COLUMNS = tuple(_column(name, field) for name, field in cls.model_fields.items())

    @classmethod
    def parse(cls, body: bytes | str) -> Self:
        """Validate one JSON object; raise pydantic's ValidationError.

        JSON has one kind of number, so 40.0 is as whole as 40; pydantic's strict mode thinks otherwise. Only bodies
        it refuses pay for the second look.
        """
        try:
            return cls.__pydantic_validator__.validate_json(body)  # type: ignore[no-any-return]
        except ValidationError as error:
            if not any(problem["type"] == "int_type" for problem in error.errors()):
                raise
        return cls.parse_object(from_json(body))

    @classmethod
    def parse_object(cls, fields: Any) -> Self:
        """Validate one object already parsed from JSON, by the same rules as `parse`."""
        return cls.model_validate(_with_whole_numbers(fields, cls.COLUMNS))


class Response(BaseModel):
    """Base of a project's response class: the two fields that every answer has."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    prediction_id: str
    model_version: str


def _with_whole_numbers(fields: Any, columns: tuple[Column, ...]) -> Any:
    if not isinstance(fields, dict):
        return fields
    whole = {column.name for column in columns if column.whole}
    return {name: _whole(value) if name in whole else value for name, value in fields.items()}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _column(name: str, field: FieldInfo) -> Column:
    kind, optional = _without_none(field.annotation)
    if not field.is_required():
        if field.default not in (None, ""):
            raise TypeError(f"{name}: a default of {field.default!r} would differ from a missing cell; use None.")
        optional = True
    described = {"name": name, "optional": optional, "description": field.description or "", **_bounds(name, field)}
    if get_origin(kind) is Literal:
        return Column(numeric=False, choices=_texts(name, get_args(kind)), **described)
    if kind is str and not optional and not any(isinstance(rule, at.MinLen) for rule in field.metadata):
        raise TypeError(f"{name}: a required text needs min_length=1, as an empty cell is a missing one.")
    if kind not in (int, float, str):
        raise TypeError(f"{name}: {kind!r} is not int, float, str or Literal, so no column can be derived from it.")
    return Column(numeric=kind is not str, whole=kind is int, **described)


def _texts(name: str, choices: tuple[Any, ...]) -> tuple[str, ...]:
    if all(isinstance(choice, str) for choice in choices):
        return choices
    # pydantic takes `true` for Literal[1], which a number's own rules refuse
    raise TypeError(f"{name}: a closed set of numbers is an int with ge and le, not a Literal.")


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    if len(kinds) != 1:
        raise TypeError(f"{annotation!r}: a field is one kind, or that kind or None.")
    return kinds[0], True


def _bounds(name: str, field: FieldInfo) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    for rule in field.metadata:
        match rule:
            case at.Ge(ge=low):
                bounds["low"] = low
            case at.Gt(gt=low):
                bounds |= {"low": low, "low_open": True}
            case at.Le(le=high):
                bounds["high"] = high
            case at.Lt(lt=high):
                bounds |= {"high": high, "high_open": True}
            case at.MaxLen(max_length=length):
                bounds["max_length"] = length
            case at.MinLen(min_length=1):
                pass  # an empty text is a missing one, which the bulk rules refuse where a text is required
            case _:
                raise TypeError(
                    f"{name}: {rule!r} has no bulk rule; use ge, gt, le, lt, max_length, min_length=1 or a Literal."
                )
    return bounds
