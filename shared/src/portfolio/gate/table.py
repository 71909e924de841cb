"""A verdict as a table on a terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from portfolio.gate.verdict import Verdict

COLOURS = {"passed": "green", "failed": "red", "advice": "yellow", "not applicable": "dim"}


def table_of(verdict: Verdict) -> Table:
    """Every rule: how it went, and why."""
    table = Table("rule", "", "why", box=None, padding=(0, 2, 0, 0))
    for check in verdict.checks:
        table.add_row(escape(check.rule), f"[{COLOURS[check.outcome]}]{check.outcome}[/]", escape(check.why))
    return table
