"""The table: where everything is and how it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from portfolio.demo.health import Report
from portfolio.demo.procfile import DASHBOARD

KEPT_WHOLE = ("name", "URL", "status", "model version")
WRAPPED = ("data", "headline metric")  # where a terminal is narrow


def show(console: Console, reports: Sequence[Report]) -> bool:
    """Print the table, below it why something isn't healthy, and what to open; returns whether all are healthy."""
    whole = [Column(name, no_wrap=True) for name in KEPT_WHOLE]
    wrapped = [Column(name, overflow="fold") for name in WRAPPED]
    table = Table(*whole, *wrapped, box=None, padding=(0, 2, 0, 0))
    for report in reports:
        status = "[green]healthy[/]" if report.healthy else "[bold red]not healthy[/]"
        cells = (report.version, report.data, report.headline)
        table.add_row(report.name, report.url, status, *(escape(cell) or "-" for cell in cells))
    console.print(table)
    sick = [report for report in reports if not report.healthy]
    for report in sick:
        console.print(f"[bold red]{report.name}[/] {escape(report.reason)}")
    for report in reports:
        if report.name == DASHBOARD and report.healthy:
            console.print(f"\nAll of it in a browser: [bold]{report.url}[/]\n")
    return not sick
