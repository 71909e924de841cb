"""`portfolio drift`: what moved, as a table and as JSON, and an exit code to act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from rich.markup import escape
from rich.table import Table

from portfolio import terminal
from portfolio.monitoring.drift import gravest
from portfolio.monitoring.sources import Order, Report, check
from portfolio.settings import read_config, read_settings
from portfolio.spec import ModelSpec

EXIT_CODES = {"ok": 0, "watch": 1, "act": 2, "unknown": 3}
COLOURS = {"ok": "green", "watch": "yellow", "act": "bold red", "unknown": "yellow"}
FEW = "unknown: so few rows could be as far apart by chance"


def run_drift(specs: Sequence[ModelSpec], order: Order, *, report: Path | None) -> int:
    """Check each project, show what was found and write it to `report` as JSON.

    Returns the gravest exit code: 0 ok, 1 watch, 2 act, 3 could not judge.
    """
    settings, found = read_settings(), []
    for spec in specs:
        found.append(check(spec, order, read_config(spec.root / "configs" / "config.yaml"), settings))
        _show(found[-1])
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_bytes(orjson.dumps([_json(each) for each in found], option=orjson.OPT_INDENT_2))
    return EXIT_CODES[gravest(each.state for each in found)]


def _show(found: Report) -> None:
    console, manifest = terminal.output(), found.manifest
    colour = COLOURS[found.state]
    console.print(f"{manifest.name}: [{colour}]{found.state}[/]")
    console.print(f"reference: {manifest.test_rows:,} test rows of {manifest.data.label}, model {manifest.version}")
    console.print(
        f"current: {found.rows:,} rows ({found.refused} refused) of {found.file.dataset.label}, {escape(found.address)}"
    )
    if found.source_changed:
        console.print(f"[yellow]the source has changed: sha256 {found.file.sha256} is not a pinned one[/]")
    console.print(_table(found))
    if any(drift.state == "unknown" for drift in found.drifts):
        console.print(FEW)


def _table(found: Report) -> Table:
    table = Table("column", box=None, padding=(0, 2, 0, 0))
    for name in ("PSI", "by chance", "missing before", "missing now", "state"):
        table.add_column(name, justify="left" if name == "state" else "right")
    for drift in found.drifts:
        before, now = drift.missing
        cells = (f"{drift.psi:.3f}", f"{drift.by_chance:.3f}", f"{before:.1%}", f"{now:.1%}")
        table.add_row(drift.column, *cells, f"[{COLOURS[drift.state]}]{drift.state}[/]")
    return table


def _json(found: Report) -> dict[str, Any]:
    return {
        "project": found.manifest.name,
        "state": found.state,
        "model_version": found.manifest.version,
        "limits": found.limits.model_dump(),
        "reference": {"data": found.manifest.data.label, "rows": found.manifest.test_rows},
        "current": {
            "address": found.address,
            "data": found.file.dataset.label,
            "sha256": found.file.sha256,
            "pinned": found.pinned,
            "rows": found.rows,
            "refused": found.refused,
        },
        "columns": [asdict(drift) for drift in found.drifts],
    }
