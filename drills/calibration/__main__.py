"""`python -m drills.calibration`, which `make drift-calibration` runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.table import Table

from drills.calibration import alarms, estimates
from drills.calibration.held import Held, held
from portfolio import terminal
from portfolio.spec.projects import find_project, project_names

SALT = 100
"""The method was chosen on splits with smaller ones."""
FALSE_ALARMS, ERROR, HELD = 0.02, 0.02, 0.90
CHANGES = {
    "none": estimates.towards("Age", 0),
    "older customers": estimates.towards("Age"),
    "mostly Germany (4 times)": estimates.mostly("Geography", "Germany", 4),
    "high balances": estimates.towards("Balance"),
}


@dataclass(frozen=True)
class Effort:
    """How much is measured. `splits` is the number of models, by the rows of a project: large ones need fewer."""

    sizes: tuple[int, ...]
    windows: int
    estimated: int
    splits: int
    projects: tuple[str, ...]


def main(
    short: Annotated[bool, typer.Option("--short", help="A few windows of bankchurn, to see that it works.")] = False,
    only_estimates: Annotated[bool, typer.Option("--only-estimates", help="Leave false alarms and power out.")] = False,
) -> None:
    """How often monitoring is wrong, on rows that no model has seen. Exit code 1: a claim does not hold."""
    if short:
        effort = Effort((100, 1000), 10, 10, 1, ("bankchurn",))
    else:
        effort = Effort((100, 1000, 10_000), 200, 100, 10, tuple(project_names()))
    if only_estimates:
        effort = replace(effort, sizes=(), windows=0, projects=("bankchurn",))
    terminal.run(lambda: run(effort))


def run(effort: Effort) -> int:
    """Measure, show, and say whether every claim holds."""
    false, moved, estimated = [], [], list[estimates.Estimates]()
    for name in effort.projects:
        terminal.notices().print(f"{name}: models", markup=False)
        splits = effort.splits if name != "carvision" else min(effort.splits, 2)  # fifty thousand rows differ little
        models = list(held(find_project(name), range(SALT, SALT + splits)))
        for rows in effort.sizes:
            terminal.notices().print(f"{name}: windows of {rows:,} rows", markup=False)
            false.append(alarms.count(models, rows, effort.windows))
        if name == "bankchurn" and effort.windows:
            moved.append(alarms.count(models, 1000, effort.windows, column="Age", change=alarms.older(8)))
        if name == "bankchurn":
            estimated = [_estimated(models, change, effort) for change in CHANGES]
    counted = ("project", "rows", "windows", "alarms", "PSI beyond 0.1", "not judged in full")
    _show("False alarms: windows of the same distribution", counted, alarms.table(false))
    _show("Power: Age + 8 years", counted, alarms.table(moved))
    errors = ("AUC error", "by labels alone", "beyond labels", "AUC in band", "F1 in band", "Brier in band")
    _show("Estimates without labels", ("project", "change", "rows", "windows", *errors), estimates.table(estimated))
    return 0 if _hold(false, moved, estimated) else terminal.FAILED


def _estimated(models: Sequence[Held], change: str, effort: Effort) -> estimates.Estimates:
    terminal.notices().print(f"bankchurn: estimates, {change}", markup=False)
    return estimates.compare(models, change, CHANGES[change], rows=1000, windows=effort.estimated)


def _hold(
    false: Iterable[alarms.Alarms], moved: Iterable[alarms.Alarms], estimated: Iterable[estimates.Estimates]
) -> bool:
    return (
        all(each.raised <= FALSE_ALARMS * each.windows for each in false)
        and all(each.raised == each.windows for each in moved)
        and all(each.beyond_labels <= ERROR and each.held("roc_auc") >= HELD for each in estimated)
    )


def _show(title: str, columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(*columns, title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    terminal.output().print(table)


if __name__ == "__main__":
    typer.run(main)
