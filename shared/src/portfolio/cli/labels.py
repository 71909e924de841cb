"""The command that brings labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from portfolio import terminal
from portfolio.predictions.label_files import Imported, import_file
from portfolio.settings import read_settings

INCOMPLETE = 3
OnConflict = Annotated[
    Literal["keep", "replace"], typer.Option(help="Where a prediction has another label: which one stays.")
]
File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="CSV file; else the inbox.")]


def import_labels(path: File = None, on_conflict: OnConflict = "keep") -> None:
    """Record labels: prediction_id,true_label,label_timestamp,label_source. Exit code: 0 all, 1 error, 3 not all.

    The first line names the columns, in any order; the last two may be missing. A time without a zone is UTC. What is
    not recorded is listed with its reason in FILE.rejected.csv, which can be corrected and imported as it is. Without
    FILE the inbox, monitoring/labels/labels.csv, is read on; a conflict there is always kept.
    """
    if on_conflict == "replace" and path is None:
        raise typer.BadParameter("the inbox replaces nothing; name a FILE", param_hint="--on-conflict")

    def command() -> int:
        settings = read_settings()
        if path:
            imported = import_file(path, settings, replace=on_conflict == "replace")
        else:
            from portfolio.predictions.inbox import read_inbox

            imported = read_inbox(settings)
        _show(imported)
        return INCOMPLETE if imported.refused else 0

    terminal.run(command)


def _show(imported: Imported) -> None:
    console = terminal.output()
    counts = Table("outcome", "labels", box=None, padding=(0, 2, 0, 0))
    for outcome, number in imported.counts.most_common():
        counts.add_row(outcome, f"{number:,}")
    console.print(counts if imported.counts else "No label was there.")
    if imported.settled:
        console.print(f"{imported.settled:,} labels that had come before their predictions are recorded now")
    for row in imported.first:
        console.print(f"line {row.line}: {row.outcome}: {row.reason}", markup=False)
    if imported.file:
        more = imported.refused - len(imported.first)
        console.print(f"{f'{more:,} more; ' if more else ''}all are listed in {imported.file}", markup=False)


def add_to(app: typer.Typer, group: typer.Typer) -> None:
    """Add `labels import`."""
    group.command("import")(import_labels)
    app.add_typer(group, name="labels")
