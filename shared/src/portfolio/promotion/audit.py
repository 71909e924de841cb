"""The audit: what was meant before anything moves, what came of it, and what it tells about the past."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from portfolio.errors import NotPromoted, PortfolioError, StoreError
from portfolio.promotion.interrupt import uninterrupted
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.store import MOVES, Action, Deployment, Outcome, append, deployments


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
        why = _why(error)
        try:
            with uninterrupted():
                operation.note("failed", detail=why)
        except StoreError as deaf:
            raise NotPromoted(f"{why} The audit could not be told: {deaf.detail}", remedy=deaf.remedy) from error
        raise


def history(name: str, settings: Settings) -> tuple[Deployment, ...]:
    """Every change of a project as what it came to last, in the order in which it did. Raises StoreError."""
    last: dict[str, Deployment] = {}
    for line in deployments(settings, project=name):
        last.pop(line.operation, None)
        last[line.operation] = line
    return tuple(last.values())


def champions(lines: Iterable[Deployment], now: str, known: Container[str]) -> list[str]:
    """The bundles that a rollback goes back through, the present champion `now` last.

    A promotion adds one, a rollback takes those after its target away. Where the registry had another champion than
    the last one known, somebody moved the alias by hand: the registry is right. What is not `known` to it was champion
    of another registry, or of this one before it was made anew.
    """
    stack: list[str] = []
    for line in lines:
        if line.stood and line.to_bundle in known:
            stack = _reach(stack, line.from_bundle if line.from_bundle in known else "")
            stack = _reach(stack, line.to_bundle) if line.action == "rollback" else _add(stack, line.to_bundle)
    return _reach(stack, now)


def _add(stack: list[str], bundle: str) -> list[str]:
    return stack if stack[-1:] == [bundle] else [*stack, bundle]


def _reach(stack: list[str], bundle: str) -> list[str]:
    """Back to where this bundle was last; on to it where it never was."""
    if not bundle:
        return stack
    if bundle not in stack:
        return [*stack, bundle]
    return stack[: len(stack) - stack[::-1].index(bundle)]


def who(settings: Settings) -> str:
    """Who is at work: AUDIT_USER, else the user of this process and the host."""
    if settings.audit_user:
        return settings.audit_user
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _why(error: BaseException) -> str:
    if isinstance(error, PortfolioError):
        return error.detail
    stopped = not isinstance(error, Exception)
    return "stopped before it was done" if stopped else f"{type(error).__name__} {error}".strip()


def _line(intent: Intent, before: RegisteredVersion | None, settings: Settings) -> Deployment:
    moves = before if intent.action in MOVES else None
    return Deployment(
        operation=uuid.uuid4().hex,
        at=datetime.now(UTC),
        who=who(settings),
        project=intent.target.name,
        action=intent.action,
        outcome="intended",
        from_version=moves.version if moves else "",
        from_bundle=moves.bundle_version if moves else "",
        to_version=intent.target.version,
        to_bundle=intent.target.bundle_version,
        reason=intent.reason.strip(),
        verdict=intent.target.verdict,
        forced=intent.forced,
    )
