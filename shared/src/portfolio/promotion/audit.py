"""The audit: what was meant before anything moves, what came of it, and what it tells about the past."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from portfolio.errors import NotPromoted, PortfolioError, StoreError
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.store import Action, Deployment, Outcome, append, deployments

STOOD: tuple[Outcome, ...] = ("done", "live")


@dataclass(frozen=True)
class Intent:
    """What somebody wants done with a version, and why."""

    action: Action
    target: RegisteredVersion
    reason: str = ""
    forced: bool = False


@dataclass(frozen=True)
class Operation:
    """One change while it goes on; `line` is what the audit was told first."""

    line: Deployment
    settings: Settings

    def note(self, outcome: Outcome, *, detail: str = "", seconds: float | None = None) -> None:
        """Append what it came to. Raises StoreError."""
        append(replace(self.line, outcome=outcome, at=datetime.now(UTC), detail=detail, seconds=seconds), self.settings)


@contextmanager
def audited(intent: Intent, before: RegisteredVersion | None, settings: Settings) -> Iterator[Operation]:
    """Tell the audit of an intent before the block begins, and that it failed where the block does.

    Raises StoreError before the block where the audit can't be told: what nobody can look up is not done.
    """
    operation = Operation(_line(intent, before, settings), settings)
    append(operation.line, settings)
    try:
        yield operation
    except BaseException as error:
        why = error.detail if isinstance(error, PortfolioError) else f"{type(error).__name__} {error}".strip()
        try:
            operation.note("failed", detail=why)
        except StoreError as deaf:
            raise NotPromoted(f"{why} The audit could not be told: {deaf.detail}", remedy=deaf.remedy) from error
        raise


def history(name: str, settings: Settings) -> tuple[Deployment, ...]:
    """Every change of a project, oldest first, each as what it came to last. Raises StoreError."""
    last: dict[str, Deployment] = {}
    for line in deployments(settings, project=name):
        last[line.operation] = line
    return tuple(last.values())


def champions(lines: Iterable[Deployment], now: str) -> list[str]:
    """The versions that a rollback goes back through, the present champion `now` last.

    A promotion adds one, a rollback takes those after its target away. Where the registry had another champion than
    the last one known, somebody moved the alias by hand: the registry is right. Where it had none, it begins anew.
    """
    stack: list[str] = []
    for line in lines:
        if line.outcome in STOOD and line.action in ("promote", "rollback"):
            stack = _reach(stack, line.from_version) if line.from_version else []
            stack = _reach(stack, line.to_version) if line.action == "rollback" else _add(stack, line.to_version)
    return _reach(stack, now)


def check_same(version: RegisteredVersion, lines: Iterable[Deployment]) -> None:
    """Raise NotPromoted where the audit means another bundle by this number: the registry was made anew since."""
    meant = [line.to_bundle for line in lines if line.to_version == version.version and line.outcome in STOOD]
    if meant and meant[-1] != version.bundle_version:
        raise NotPromoted(
            f"Version {version.version} of {version.name} is another bundle than the audit knows: {meant[-1]}.",
            remedy=f"Name one: portfolio rollback {version.name} --to VERSION.",
        )


def _add(stack: list[str], version: str) -> list[str]:
    return stack if stack[-1:] == [version] else [*stack, version]


def _reach(stack: list[str], version: str) -> list[str]:
    """Back to where this version was last; on to it where it never was."""
    if not version:
        return stack
    if version not in stack:
        return [*stack, version]
    return stack[: len(stack) - stack[::-1].index(version)]


def who(settings: Settings) -> str:
    """Who is at work: AUDIT_USER, else the user of this process and the host."""
    if settings.audit_user:
        return settings.audit_user
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _line(intent: Intent, before: RegisteredVersion | None, settings: Settings) -> Deployment:
    return Deployment(
        operation=uuid.uuid4().hex,
        at=datetime.now(UTC),
        who=who(settings),
        project=intent.target.name,
        action=intent.action,
        outcome="intended",
        from_version=before.version if before else "",
        to_version=intent.target.version,
        to_bundle=intent.target.bundle_version,
        reason=intent.reason.strip(),
        verdict=intent.target.verdict,
        forced=intent.forced,
    )
