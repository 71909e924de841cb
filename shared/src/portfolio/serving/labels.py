"""`POST /labels`: the truth about this API's predictions, one or many."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, WouldBlock
from pydantic_core import from_json

from portfolio.errors import Overloaded, RequestRefused, StoreError
from portfolio.logs import logger
from portfolio.predictions.labels import NEEDED, SOURCE_LENGTH, Wrong, join_labels, label_of, settle_aside
from portfolio.serving import openapi
from portfolio.serving.validate import BATCH_ROWS, check_number, no_json, refused
from portfolio.settings import Settings
from portfolio.spec import Binary, ModelSpec
from portfolio.store import Joined, Label, LabelOutcome

log = logger(__name__)

ON_CONFLICT = {"keep": False, "replace": True}
SETTLE_SECONDS = 10.0
WAITING = 4  # requests, the one whose labels are being written included
NO_OBJECT = Wrong("body", "must be a JSON object", "a JSON object")


@dataclass
class Pause:
    """Between two looks at all labels that wait, which takes longer the more there are."""

    until: float = 0.0

    def is_over(self) -> bool:
        """Whether it is, and then the next one begins."""
        now = time.monotonic()
        if now < self.until:
            return False
        self.until = now + SETTLE_SECONDS
        return True


@dataclass(frozen=True)
class Labels:
    """Takes labels of one project's predictions; the database's library is imported at the first of them."""

    spec: ModelSpec
    settings: Settings
    one: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    pause: Pause = field(default_factory=Pause)
    rooms: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(WAITING))

    @contextmanager
    def room(self) -> Iterator[None]:
        """Let few wait: a store that is slow must not fill the worker's memory. Raises Overloaded."""
        try:
            self.rooms.acquire_nowait()
        except WouldBlock:
            raise Overloaded("Too many labels are waiting.", remedy="Try again later, with more at once.") from None
        try:
            yield
        finally:
            self.rooms.release()

    def take(self, body: bytes, *, replace: bool) -> dict[str, Any]:
        """What became of each label; blocks. Raises StoreError, or RequestRefused: then none is taken."""
        labels = read_labels(body, self.spec)
        joined = join_labels(labels, self.settings, spec=self.spec, replace=replace)
        if self.pause.is_over():
            self._settle()
        return {"labels": [_told(one) for one in joined], "counts": Counter(one.outcome for one in joined)}

    def _settle(self) -> None:
        """Record labels that were waiting; those of this request are recorded already, whatever becomes of it."""
        try:
            settle_aside(self.settings, spec=self.spec)
        except StoreError as error:
            log.warning("labels that wait are not looked at", reason=error.detail)


def read_on_conflict(query: bytes) -> bool:
    """Whether `?on_conflict=replace` is asked for; raises RequestRefused for anything else but keep."""
    wishes = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = [value for name, value in wishes if name == "on_conflict"]
    if len(values) != len(wishes) or len(values) > 1 or not set(values) <= set(ON_CONFLICT):
        problem = {"field": "on_conflict", "message": "must be keep or replace", "allowed": ", ".join(ON_CONFLICT)}
        raise RequestRefused("The query is not understood.", remedy="It takes on_conflict.", problems=[problem])
    return ON_CONFLICT[values[0]] if values else False


def read_labels(body: bytes, spec: ModelSpec) -> list[Label]:
    """One JSON object, a list of them, or `{"labels": [...]}`; raises RequestRefused naming index and field."""
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise no_json(str(error)) from None
    if isinstance(content, dict) and "labels" in content:
        content = content["labels"] if len(content) == 1 and isinstance(content["labels"], list) else None
    rows: Sequence[Any] = content if isinstance(content, list) else [content]
    check_number(len(rows), BATCH_ROWS)
    now = datetime.now(UTC)
    made = [label_of(row, now=now, task=spec.task) if isinstance(row, dict) else (NO_OBJECT,) for row in rows]
    problems = list(_problems(made, alone=not isinstance(content, list)))
    if problems:
        raise refused(problems)
    return [label for label in made if isinstance(label, Label)]


def documented(spec: ModelSpec) -> dict[str, Any]:
    """What /docs says of it."""
    one = _label_schema(spec)
    many = {"type": "array", "minItems": 1, "maxItems": BATCH_ROWS, "items": one}
    wrapped = {"type": "object", "required": ["labels"], "additionalProperties": False, "properties": {"labels": many}}
    body = {"required": True, "content": {"application/json": {"schema": {"oneOf": [one, many, wrapped]}}}}
    done = {"description": "What became of each", "content": {"application/json": {"schema": _answer_schema()}}}
    parameters = [
        {"name": "on_conflict", "in": "query", "schema": {"enum": list(ON_CONFLICT), "default": "keep"}},
        {"name": "X-API-Key", "in": "header", "required": False, "schema": openapi.TEXT, "description": "For replace"},
    ]
    return {
        "responses": {200: done, **openapi.problems(400, 401, 403, 413, 415, 422, 503)},
        "openapi_extra": {"requestBody": body, "parameters": parameters},
    }


def _label_schema(spec: ModelSpec) -> dict[str, Any]:
    amount = {"type": "number", "exclusiveMinimum": 0}
    return {
        "type": "object",
        "required": list(NEEDED),
        "additionalProperties": False,
        "properties": {
            "prediction_id": {"type": "string", "format": "uuid"},
            "true_label": {"enum": [0, 1]} if isinstance(spec.task, Binary) else amount,
            "label_timestamp": {"type": ["string", "null"], "format": "date-time", "description": "Left out: now"},
            "label_source": {"type": ["string", "null"], "maxLength": SOURCE_LENGTH},
        },
    }


def _answer_schema() -> dict[str, Any]:
    told = {"prediction_id": openapi.TEXT, "outcome": {"enum": list(get_args(LabelOutcome))}, "reason": openapi.TEXT}
    row = {"type": "object", "required": ["prediction_id", "outcome"], "properties": told}
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    properties = {"labels": {"type": "array", "items": row}, "counts": counts}
    return {"type": "object", "required": list(properties), "properties": properties}


def _problems(made: Sequence[Label | tuple[Wrong, ...]], *, alone: bool) -> Iterator[dict[str, object]]:
    for index, wrong in enumerate(made):
        if not isinstance(wrong, Label):
            where = {} if alone else {"index": index}
            yield from ({**where, **found._asdict()} for found in wrong)


def _told(one: Joined) -> dict[str, str]:
    told = {"prediction_id": one.prediction_id, "outcome": one.outcome}
    return told | {"reason": one.reason} if one.reason else told
