"""Versions of a project, who made which the champion, and the two acts that need the admin key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from portfolio.errors import BundleError, ConfigError, NotPromoted, RequestRefused
from portfolio.promotion import flow, report, running
from portfolio.promotion.audit import history, who
from portfolio.registry import CHALLENGER, CHAMPION
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

AUDIT_LINES = 100
USER = re.compile(r"[\w.@+-][\w.@+ -]{0,63}", re.ASCII)


class Wish(BaseModel):
    """What somebody wants done, and why; the audit keeps the reason."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)

    reason: str = Field(min_length=1, max_length=500)


class Promote(Wish):
    """`version` is a number or an alias; `force` takes even one that is blocked, archived or of other code."""

    version: str = Field(min_length=1, max_length=40)
    force: bool = False


class Rollback(Wish):
    """`to` is a version; left out, the champion before."""

    to: str = Field("", max_length=40)


@dataclass(frozen=True)
class Version:
    """A registered version. `metrics` has value, low and high, first of the figures that its project is judged by."""

    version: str
    bundle: str
    aliases: Sequence[str]
    verdict: str
    metrics: Mapping[str, Mapping[str, float | None]]
    data: str
    created: datetime
    signed_by: str
    promoted_at: str
    archived_at: str


@dataclass(frozen=True)
class Versions:
    """Newest first. `live_versions` is what the API's workers serve; null where it does not answer.

    `audit` has every change, newest first: at, who, action, outcome, from_version, to_version, reason, seconds, …
    """

    project: str
    champion: str
    challenger: str
    live_versions: Sequence[str] | None
    versions: Sequence[Version]
    audit: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Changed:
    """Who is the champion now. `served_after_seconds` is null where nobody waited for the API; `sentence` says why."""

    project: str
    champion: str
    before: str | None
    served_after_seconds: float | None
    sentence: str


def versions(spec: ModelSpec, settings: Settings) -> Versions:
    """What registry, audit and API say. Raises RegistryError, StoreError."""
    rows = report.models(spec, settings)
    by_alias = {alias: row.version for row in rows for alias in row.aliases}
    api = running.look(spec.name, running.address_of(spec, settings))
    return Versions(
        project=spec.name,
        champion=by_alias.get(CHAMPION, ""),
        challenger=by_alias.get(CHALLENGER, ""),
        live_versions=api.versions if api else None,
        versions=[_version(row) for row in rows],
        audit=[asdict(line) for line in reversed(history(spec.name, settings)[-AUDIT_LINES:])],
    )


class Acts:
    """Promotion and rollback as the commands do them, one at a time for each project."""

    def __init__(self, projects: Sequence[str], settings: Settings) -> None:
        self._settings = settings
        self._locks = {project: Lock() for project in projects}

    def promote(self, spec: ModelSpec, wish: Promote, user: str | None) -> Changed:
        """Returns when the API serves it. Raises NotPromoted (409), RegistryError, StoreError."""
        return self._act(
            spec,
            user,
            lambda settings: flow.promote(spec, wish.version, settings, force=wish.force, reason=wish.reason),
        )

    def rollback(self, spec: ModelSpec, wish: Rollback, user: str | None) -> Changed:
        """Returns when the API serves it. Raises NotPromoted (409), RegistryError, StoreError."""
        return self._act(spec, user, lambda settings: flow.rollback(spec, settings, to=wish.to, reason=wish.reason))

    def _act(self, spec: ModelSpec, user: str | None, act: Callable[[Settings], flow.Promotion]) -> Changed:
        settings = self._settings.patient().model_copy(update={"audit_user": _named(user, self._settings)})
        with self._alone(spec.name):
            try:
                done = act(settings)
            except (BundleError, ConfigError) as error:  # of what was asked for, not of this service
                raise NotPromoted(error.detail, remedy=error.remedy) from error
        return Changed(
            project=spec.name,
            champion=done.version.version,
            before=done.before.version if done.before else None,
            served_after_seconds=done.served.seconds,
            sentence=done.sentence,
        )

    @contextmanager
    def _alone(self, project: str) -> Iterator[None]:
        lock = self._locks[project]
        if not lock.acquire(blocking=False):
            raise NotPromoted(f"Another version of {project} is being promoted.", remedy="Try again when that is done.")
        try:
            yield
        finally:
            lock.release()


def _named(user: str | None, settings: Settings) -> str:
    """Whom the audit names: who the caller says it is, else whoever runs this service."""
    if user is None:
        return who(settings)
    if not USER.fullmatch(user):
        raise RequestRefused(
            "X-User is no name.", remedy="Letters, digits, blanks and . _ @ + -, at most 64 of them.", status=400
        )
    return user


def _version(row: report.Row) -> Version:
    kept = {name: value for name, value in asdict(row).items() if name not in ("project", "metrics")}
    figures = {name: {"value": value, "low": low, "high": high} for name, (value, low, high) in row.metrics.items()}
    return Version(metrics=figures, **kept)
