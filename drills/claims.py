"""What a drill must show: each claim with its figure and its limit."""

from __future__ import annotations

from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from portfolio import terminal


@dataclass(frozen=True)
class Check:
    """A claim, what was found, what it must be, and whether it is."""

    claim: str
    found: str
    limit: str
    holds: bool


def show(found: list[Check]) -> None:
    """Every claim with its figure and its limit."""
    table = Table("", "claim", "found", "must be", box=None, padding=(0, 2, 0, 0))
    for check in found:
        mark = "[green]holds[/]" if check.holds else "[bold red]FAILS[/]"
        table.add_row(mark, escape(check.claim), escape(check.found), escape(check.limit))
    terminal.output().print(table)
