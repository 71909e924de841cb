"""Asking a model without leaving a trace: every question carries dry_run=true, so nothing reaches journal or drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.services import Service

Row = Mapping[str, Any]
SECONDS = 10.0  # for one row; a file may take longer


def answer(service: Service, row: Row) -> Mapping[str, Any]:
    """The answer to one row, with its reasons. Raises ServiceError."""
    body = dict(row)
    found: Mapping[str, Any] = service.post("/predict", body, seconds=SECONDS, explain="true", dry_run="true")
    return found


def answers(service: Service, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    """The answers to rows, in their order; all or none. Raises ServiceError."""
    body = {"instances": [dict(row) for row in rows]}
    found: list[Mapping[str, Any]] = service.post("/predict/batch", body, dry_run="true")["predictions"]
    return found
