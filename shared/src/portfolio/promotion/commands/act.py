"""`portfolio promote`, `rollback` and `archive`: for people who act."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from portfolio import terminal
from portfolio.promotion import archive as archiving
from portfolio.promotion import flow
from portfolio.settings import read_settings
from portfolio.spec.projects import find_project

Version = Annotated[str, typer.Option(help="Number, alias (champion, challenger, previous) or stage.")]
Reason = Annotated[str, typer.Option(help="Why; the audit keeps it.")]


def promote(
    name: str,
    version: Version,
    archive_current: Annotated[bool, typer.Option("--archive-current", help="Put the champion before away.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even one that is blocked, archived or of other code.")
    ] = False,
    reason: Reason = "",
) -> None:
    """Sign a version, make it the champion, and wait until the running API serves it; else leave all as it was."""

    def command() -> None:
        done = flow.promote(
            find_project(name),
            version,
            read_settings().patient(),
            force=force,
            reason=reason,
            archive_current=archive_current,
        )
        terminal.output().print(escape(done.sentence))

    terminal.run(command)


def rollback(
    name: str,
    to: Annotated[str, typer.Option(metavar="VERSION", help="Else the champion before, by the audit.")] = "",
    reason: Reason = "",
) -> None:
    """Make the champion before the champion again, and wait until the running API serves it; twice goes two back."""
    terminal.run(
        lambda: terminal.output().print(
            escape(flow.rollback(find_project(name), read_settings().patient(), to=to, reason=reason).sentence)
        )
    )


def archive(
    name: str,
    version: Version,
    undo: Annotated[bool, typer.Option("--undo", help="Take it out of the archive.")] = False,
    reason: Reason = "",
) -> None:
    """Put a version away, never the champion: promoting it then takes --force."""

    def command() -> None:
        done = (archiving.restore if undo else archiving.archive)(
            find_project(name), version, read_settings().patient(), reason=reason
        )
        state = "no longer archived" if undo else "archived"
        terminal.output().print(escape(f"{done.name}: version {done.version} is {state}"))

    terminal.run(command)
