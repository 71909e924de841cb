"""ModelSpec: the one value by which a project announces itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portfolio.spec.frame import Features
from portfolio.spec.request import Request, Response
from portfolio.spec.rules import Rule
from portfolio.spec.source import Source
from portfolio.spec.tasks import Task


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A project.

    `features` maps a request frame to model columns; `respond` turns an outcome and the `response:` section of the
    project's configuration into the response's fields; `group` names the fields that make two rows the same case (all
    request fields when empty), so that they share a part of the split; `slices` are evaluated on their own. `extras`
    are columns of the data that are no request fields but belong on charts. `open_data` allows GET /data. `folder` is
    where configs, data, models and cache are; left out, it is the project's own, the one with `src/`.
    """

    name: str
    title: str
    request: type[Request]
    response: type[Response]
    task: Task
    features: Features
    source: Source
    respond: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
    slices: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    extras: tuple[str, ...] = ()
    open_data: bool = False
    folder: Path | None = None

    @property
    def root(self) -> Path:
        """Where the project's configs, data, models and cache are."""
        return self.folder or Path(inspect.getfile(self.request)).resolve().parents[2]

    @property
    def group_fields(self) -> tuple[str, ...]:
        """The fields by which a row's part of the split is chosen."""
        return self.group or tuple(column.name for column in self.request.COLUMNS)
