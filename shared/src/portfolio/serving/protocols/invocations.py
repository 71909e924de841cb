"""MLflow's scoring protocol: a table in one of its five forms, rows, predictions, `{"predictions": [...]}`.

By the source of mlflow.pyfunc.scoring_server 3; a bundle's MLmodel lets `mlflow models serve` answer the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from itertools import islice
from math import isnan
from typing import Any

import orjson
from pydantic import ConfigDict

from portfolio.errors import RequestRefused
from portfolio.serving.flow import Asked, Wish, keep_all, predictions
from portfolio.serving.protocols.form import Form, is_missing, malformed, read_form
from portfolio.serving.service import Service
from portfolio.serving.validate import (
    BATCH_ROWS,
    EXPLAINED_ROWS,
    check_names,
    check_number,
    validate_objects,
)
from portfolio.spec import Column, Request

Objects = Sequence[Any]


class Split(Form):
    """pandas' split orientation; the index is not looked at."""

    columns: list[str]
    data: list[list[Any]]
    index: Any = None


class Invocation(Form):
    """A table in exactly one form. Models here take no params."""

    model_config = ConfigDict(extra="forbid")

    dataframe_split: Split | None = None
    dataframe_records: list[Any] | None = None
    instances: list[Any] | None = None
    inputs: Any = None
    params: dict[str, Any] | None = None


FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def invoke(service: Service, asked: Asked, wish: Wish) -> bytes:
    """Answer JSON, all rows or none. Raises ModelNotAvailable, RequestRefused or JournalFull."""
    service.live.require()
    objects = _objects(service.spec.request, read_form(Invocation, asked.body), _most(wish))
    return _answered(service, objects, asked, wish)


def invoke_csv(service: Service, asked: Asked, wish: Wish) -> bytes:
    """Answer CSV whose first line names the fields, all rows or none.

    Raises ModelNotAvailable, RequestRefused or JournalFull.
    """
    service.live.require()
    return _answered(service, _objects_of_csv(service.spec.request, asked.body, _most(wish)), asked, wish)


def mlflow_version() -> str:
    """The version of MLflow whose protocol this is: the installed one, without importing it."""
    try:
        return installed("mlflow-skinny")
    except PackageNotFoundError:
        raise RequestRefused(
            "MLflow is not installed beside this service.", remedy="Install mlflow-skinny.", status=404
        ) from None


def _most(wish: Wish) -> int:
    return EXPLAINED_ROWS if wish.explain else BATCH_ROWS


def _answered(service: Service, objects: Objects, asked: Asked, wish: Wish) -> bytes:
    known = {column.name for column in service.spec.request.COLUMNS}
    rows = validate_objects(service.spec.request, (_without_missing(fields, known) for fields in objects))
    answers = predictions(service, rows, wish)
    content = orjson.dumps({"predictions": answers.predictions})
    keep_all(service, answers, asked, wish)
    return content


def _without_missing(fields: Any, known: set[str]) -> Any:
    """An unknown column stays, to be refused even where it is empty."""
    if not isinstance(fields, dict):
        return fields
    return {name: value for name, value in fields.items() if name not in known or not is_missing(value)}


def _objects(request: type[Request], asked: Invocation, most: int) -> Objects:
    given = [name for name in FORMS if getattr(asked, name) is not None]
    if len(given) != 1:
        raise malformed("body", f"have exactly one of {', '.join(FORMS)}")
    if asked.params:
        raise malformed("params", "be empty: this model takes none")
    if asked.dataframe_split is not None:
        return _table(request, asked.dataframe_split.columns, asked.dataframe_split.data, most)
    if isinstance(asked.inputs, dict):
        return _table(request, list(asked.inputs), _transposed(asked.inputs), most)
    rows = getattr(asked, given[0])
    if not isinstance(rows, list):
        raise malformed(given[0], "be a list of objects, or an object of lists")
    check_number(len(rows), most)
    return rows


def _transposed(columns: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    lists = list(columns.values())
    if not all(isinstance(values, list) and len(values) == len(lists[0]) for values in lists):
        raise malformed("inputs", "have lists of one length")
    return list(zip(*lists, strict=True))


def _table(
    request: type[Request], names: Sequence[str], rows: Sequence[Sequence[Any]], most: int
) -> list[dict[str, Any]]:
    check_number(len(rows), most)
    check_names(request, names)
    if len(set(names)) != len(names):
        raise malformed("columns", "be named once each")
    objects = []
    for index, cells in enumerate(rows):
        if len(cells) != len(names):
            raise malformed(f"row {index}", f"have {len(names)} cells, one for each column")
        objects.append(dict(zip(names, cells, strict=True)))
    return objects


def _objects_of_csv(request: type[Request], body: bytes, most: int) -> list[dict[str, Any]]:
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names, *rows = islice(filter(None, lines), most + 2)  # the names, and one too many to be told from enough
    except (UnicodeDecodeError, csv.Error, ValueError):
        raise malformed("body", "be CSV in UTF-8, the fields' names in its first line") from None
    known = {column.name: column for column in request.COLUMNS}
    table = _table(request, names, rows, most)
    return [{name: _cell(text, known[name]) for name, text in fields.items()} for fields in table]


def _cell(text: str, column: Column) -> Any:
    """An empty cell is missing. What reads as a number is one, laxly: 40.0 is whole, spaces around it don't matter."""
    if not column.numeric:
        return text or None
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        return text  # which the request class refuses with the field's name
    return text if isnan(number) or "_" in text or not text.isascii() else number  # Python alone reads these
