"""`model_deployments`: every change of which version is live, appended and never altered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

from portfolio.settings import Settings

Action = Literal["promote", "rollback", "challenge", "archive", "restore"]
Outcome = Literal["intended", "done", "live", "failed"]
"""Written before anything moves; the registry says so; the running API serves it; all was put back."""


MOVES: tuple[Action, ...] = ("promote", "rollback")
"""The actions that change who is champion."""


@dataclass(frozen=True)
class Deployment:
    """One line of the audit. An `operation` has several, one for each outcome it came to.

    Versions are the registry's numbers, empty where there is none; a bundle's own name outlives a registry that counts
    anew, and tells one registry's version 2 from another's.
    `reason` is the operator's, `detail` why it failed or what else is to know, `seconds` the time until it was live.
    """

    operation: str
    at: datetime
    who: str
    project: str
    action: Action
    outcome: Outcome
    from_version: str = ""
    from_bundle: str = ""
    to_version: str = ""
    to_bundle: str = ""
    reason: str = ""
    verdict: str = ""
    forced: bool = False
    detail: str = ""
    seconds: float | None = None

    @property
    def stood(self) -> bool:
        """Whether it made its version the champion."""
        return self.action in MOVES and self.outcome in ("done", "live")


def prepare(settings: Settings) -> None:
    """Find out whether the store can be written to, and bring its tables to this release's. Raises StoreError."""
    from portfolio.store.database import writing

    with writing(settings):
        pass


def append(line: Deployment, settings: Settings) -> None:
    """Write a line to the audit. Raises StoreError."""
    from portfolio.store.database import writing
    from portfolio.store.tables import MODEL_DEPLOYMENTS

    with writing(settings) as connection:
        connection.execute(MODEL_DEPLOYMENTS.insert().values(**asdict(line)))


def deployments(settings: Settings, *, project: str = "") -> tuple[Deployment, ...]:
    """The audit's lines, oldest first: one project's, or all. None where nothing was written yet. Raises StoreError."""
    from portfolio.store.database import reading
    from portfolio.store.tables import MODEL_DEPLOYMENTS as TABLE

    query = TABLE.select().order_by(TABLE.c.id)
    if project:
        query = query.where(TABLE.c.project == project)
    with reading(settings, TABLE.name) as connection:
        return tuple(_line(row) for row in connection.execute(query).mappings()) if connection else ()


def _line(row: Mapping[Any, Any]) -> Deployment:
    values = {field.name: row[field.name] for field in fields(Deployment)}
    return Deployment(**values | {"at": row["at"].replace(tzinfo=row["at"].tzinfo or UTC).astimezone(UTC)})
