"""The commands of the store: what it holds, what is taken out of it, and what is removed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.request import ProxyHandler, build_opener

import typer
from rich.table import Table

from portfolio import terminal
from portfolio.promotion.running import address_of
from portfolio.settings import Settings, read_settings
from portfolio.spec.projects import find_project, project_names
from portfolio.store.exporting import Export
from portfolio.store.exporting import export as write
from portfolio.store.pruning import prune as remove
from portfolio.store.stock import Holding, stock

MB = 1e6
MOST_DAYS = 36_500
ANSWER_SECONDS = 2.0
WAITING = re.compile(r"^journal_bytes (\S+)$", re.MULTILINE)
Project = Annotated[str, typer.Option(help="Of one project; else of all.")]


def prune(
    days: Annotated[
        int | None, typer.Option(min=1, max=MOST_DAYS, help="Days to keep; else STORE_RETENTION_DAYS.")
    ] = None,
    project: Project = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
) -> None:
    """Remove predictions, their labels, labels aside and monitoring runs that are too old. The audit stays."""

    def command() -> None:
        if project:
            find_project(project)
        settings = read_settings()
        kept = days or settings.store_retention_days
        before = datetime.now(UTC) - timedelta(days=kept)
        gone = remove(settings, before=before, project=project, dry_run=dry_run)
        table = Table("removed" if not dry_run else "would be removed", "rows", box=None, padding=(0, 2, 0, 0))
        names = ("predictions", "labels", "labels aside", "monitoring runs")
        for name, number in zip(names, (gone.predictions, gone.labels, gone.aside, gone.runs), strict=True):
            table.add_row(name, f"{number:,}")
        console = terminal.output()
        console.print(f"{project or 'all projects'}: older than {kept} days, before {before:%Y-%m-%d %H:%M} UTC")
        console.print(table)

    terminal.run(command)


def export(
    name: str,
    days: Annotated[float, typer.Option(min=0, max=MOST_DAYS, help="Of the last days.")] = 30,
    output: Annotated[
        Path | None, typer.Option(help="FILE.parquet or FILE.csv; else named after what is in it.")
    ] = None,
) -> None:
    """Write predictions with their labels to a file, one row each, every feature in a column of its own."""

    def command() -> None:
        spec, until = find_project(name), datetime.now(UTC)
        since = until - timedelta(days=days)
        kind = "parquet" if find_spec("pyarrow") else "csv"
        file = output or Path(f"{name}-{since:%Y%m%d}-{until:%Y%m%d}.{kind}")
        rows = write(Export(spec, since, until, file), read_settings())
        found = f"{rows:,} predictions of the last {days:g} days are in {file}"
        none = f"{name}: no predictions of the last {days:g} days are in the store; no file was written"
        terminal.output().print(found if rows else none, markup=False)

    terminal.run(command)


def stats() -> None:
    """What the store holds of each project, the room it takes, and what waits in the journals of APIs that answer."""

    def command() -> None:
        settings = read_settings()
        held = stock(settings)
        table = Table("project", "predictions", "first", "last", "labels", "coverage", "aside", "journal", box=None)
        of = {holding.project: holding for holding in held.holdings}
        for project in sorted({*of, *project_names()}):
            table.add_row(*_row(of.get(project) or Holding(project, 0, None, None, 0, 0), settings))
        console = terminal.output()
        console.print(table)
        if held.unknown:
            console.print(f"{held.unknown:,} labels aside are of predictions that nobody knows")
        console.print(f"the store takes {held.size / MB:,.1f} MB", markup=False)

    terminal.run(command)


def _row(of: Holding, settings: Settings) -> tuple[str, ...]:
    first, last = (f"{at:%Y-%m-%d %H:%M}" if at else "-" for at in (of.first, of.last))
    coverage = f"{of.labels / of.rows:.1%}" if of.rows else "-"
    waits = _backlog(of.project, settings)
    return of.project, f"{of.rows:,}", first, last, f"{of.labels:,}", coverage, f"{of.aside:,}", waits


def _backlog(project: str, settings: Settings) -> str:
    """What the project's API says that the store does not have yet: its journal may be on another machine."""
    if project not in project_names():
        return "-"
    direct = build_opener(ProxyHandler({}))  # a proxy in the environment is for other machines
    try:
        with direct.open(f"{address_of(find_project(project), settings)}/metrics", timeout=ANSWER_SECONDS) as answer:
            said = WAITING.search(answer.read().decode())
    except (OSError, ValueError, HTTPException):
        return "-"
    return f"{float(said[1]) / MB:,.1f} MB" if said else "-"


def add_to(app: typer.Typer, group: typer.Typer) -> None:
    """Add `store prune|export|stats`, and `export` by itself."""
    for command in (prune, export, stats):
        group.command()(command)
    app.add_typer(group, name="store")
    app.command()(export)
