"""`portfolio models`, `diff`, `history` and `registry summary`: for people who look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from portfolio import terminal
from portfolio.gate.table import table_of
from portfolio.measures import Estimate
from portfolio.promotion import audit, report
from portfolio.settings import read_settings
from portfolio.spec.projects import find_project, project_names
from portfolio.store import Deployment

Names = Annotated[list[str] | None, typer.Argument(metavar="[PROJECT]...", help="Projects; all when left out.")]
Version = Annotated[str, typer.Argument(help="Number, alias (champion, challenger, previous) or stage.")]
Json = Annotated[bool, typer.Option("--json", help="For programs: JSON.")]


def models(names: Names = None, json: Json = False) -> None:
    """List the registered versions: aliases, figures with their interval, data, age, verdict, signature."""

    def command() -> None:
        settings = read_settings().patient()
        rows = [row for name in names or project_names() for row in report.models(find_project(name), settings)]
        table = _table("project", "version", "alias", "figures", "data", "age", "verdict", "signed")
        for row in rows:
            table.add_row(*map(escape, _cells(row)))
        _show([asdict(row) for row in rows], table, json=json)

    terminal.run(command)


def history(name: str, json: Json = False) -> None:
    """Tell every change of which version is live, newest last, as the audit has it."""

    def command() -> None:
        lines = audit.history(find_project(name).name, read_settings())
        table = _table("when (UTC)", "who", "what", "from", "to", "outcome", "verdict", "reason")
        for line in lines:
            table.add_row(*map(escape, _told(line)))
        _show([asdict(line) for line in lines], table, json=json)

    terminal.run(command)


def diff(name: str, first: Version, second: Version, json: Json = False) -> None:
    """Show two versions beside each other: metrics, and what differs in data, features and parameters."""

    def command() -> None:
        found = report.diff(find_project(name), first, second, read_settings().patient())
        table = _table(name, f"version {found.first.version}", f"version {found.second.version}")
        for part in ("metrics", "data", "features", "parameters"):
            _add(table, part, getattr(found, part))
        _show(asdict(found), table, json=json)

    terminal.run(command)


def verdict(name: str, version: Version, json: Json = False) -> None:
    """Show what the gate said about a version: every rule, how it went, and why."""

    def command() -> None:
        found = report.verdict(find_project(name), version, read_settings().patient())
        beside = f", beside champion {found.champion}" if found.champion else ""
        _show(asdict(found), f"[bold]{found.decision}[/]{beside}", table_of(found), json=json)

    terminal.run(command)


def summary(json: Json = False) -> None:
    """Count models and production models, and tell who is champion of each project."""

    def command() -> None:
        found = report.summary(read_settings().patient())
        table = _table("project", "versions", "champion", "since", "challenger")
        for each in found.projects:
            cells = (str(each.versions), each.champion, each.champion_since, each.challenger)
            table.add_row(escape(each.project), *(cell or "-" for cell in cells))
        counted = (
            f"total models: {found.models} ({found.versions} versions)",
            f"production models: {found.production}",
        )
        _show(asdict(found), *counted, table, json=json)

    terminal.run(command)


def _cells(row: report.Row) -> tuple[str, ...]:
    figures = "; ".join(
        f"{name} {_figure(Estimate(value, low, high) if low is not None and high is not None else value)}"
        for name, (value, low, high) in list(row.metrics.items())[:1]  # --json has them all
    )
    marks = (*row.aliases, *(("archived",) if row.archived_at else ()))
    signed = "yes" if row.signed_by else "no"
    known = (", ".join(marks), figures, row.data, _age(row.created), row.verdict)
    return (row.project, row.version, *(cell or "-" for cell in known), signed)


def _told(line: Deployment) -> tuple[str, ...]:
    outcome = line.outcome + (f" after {line.seconds:.1f} s" if line.seconds is not None else "")
    why = "; ".join(part for part in (line.reason, line.detail) if part)
    what = f"{line.action}, forced" if line.forced else line.action
    cells = (line.who, what, line.from_version, line.to_version, outcome, line.verdict, why)
    return (f"{line.at:%Y-%m-%d %H:%M:%S}", *(cell or "-" for cell in cells))


def _add(table: Table, part: str, pairs: Mapping[str, tuple[Any, Any]]) -> None:
    table.add_row(f"[bold]{part}[/]", *([] if pairs else ["the same", "the same"]))
    for name, pair in pairs.items():
        table.add_row(f"  {escape(name)}", *(escape(_figure(value)) for value in pair))


def _figure(value: Any) -> str:
    match value:
        case Estimate():
            return f"{value.value:.4g} [{value.low:.4g}, {value.high:.4g}]"
        case float():
            return f"{value:.4g}"
        case str() if len(value) >= 40 and " " not in value:  # a digest
            return value[:12]
    return "-" if value is None else str(value)


def _age(created: datetime) -> str:
    seconds = (datetime.now(UTC) - created).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, padding=(0, 2, 0, 0))


def _show(value: Any, *parts: RenderableType, json: bool) -> None:
    console = terminal.output()
    if json:
        console.out(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), highlight=False)
        return
    for part in parts:
        console.print(part)
