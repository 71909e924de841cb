"""From a data file to valid rows: read, prepare, keep what is in scope, refuse what breaks a rule."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from portfolio.data.frames import take
from portfolio.data.rules import Mask, Report, validate
from portfolio.data.source import DataFile
from portfolio.data.split import group_keys
from portfolio.errors import DataError
from portfolio.spec import Binary, Column, Frame, ModelSpec, Task, is_missing

if TYPE_CHECKING:
    import pandas as pd


FIRST_LINE = 2
"""Where a CSV file's first row stands, as an editor counts: below the header."""


@dataclass(frozen=True)
class Rows:
    """N valid rows: request `frame`, `target` float64 [N], `extras` for charts, `keys` by which they are split.

    `beyond` has all columns, target and extras included, of rows whose target lies outside the task's bounds, not
    validated; `refused` are those that broke a rule, and `label_coverage` is the share of rows in scope that have a
    target at all.
    """

    frame: Frame
    target: np.ndarray[Any, np.dtype[np.float64]]
    extras: Frame
    keys: list[bytes]
    file: DataFile
    beyond: Frame
    refused: Report
    label_coverage: float

    def __len__(self) -> int:
        return len(self.target)

    @property
    def out_of_scope(self) -> int:
        """How many rows are beyond the task's bounds."""
        return len(next(iter(self.beyond.values())))


def load(spec: ModelSpec, file: DataFile, *, max_bad_rows: int, bad_rows_path: Path) -> Rows:
    """Read and validate a data file; raises DataError where it can't be read or too many rows are bad."""
    table = _prepare(spec, _read(file.path), file.path)
    columns = (*spec.request.COLUMNS, _target_column(spec.task))
    frame, unreadable = _frame(table, columns)
    extras = {name: table[name].to_numpy(dtype=object) for name in spec.extras}
    scope = _in_scope(spec.task, frame[spec.task.target])
    report = validate(take(frame, scope), columns, unreadable=take(unreadable, scope))
    lines = np.flatnonzero(scope) + FIRST_LINE
    _list_bad_rows(report, table.loc[scope, [column.name for column in columns]], lines, bad_rows_path)
    _judge(report, max_bad_rows, bad_rows_path, file.path)
    kept = np.flatnonzero(scope)[~report.bad]
    rows = take(frame, kept)
    target = rows.pop(spec.task.target)
    return Rows(
        frame=rows,
        target=target,
        extras=take(extras, kept),
        keys=group_keys(rows, spec.group_fields),
        file=file,
        beyond=take({**frame, **extras}, ~scope),
        refused=report,
        label_coverage=float(1 - is_missing(frame[spec.task.target][scope]).mean()),
    )


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        # as text: only so can "12,5" be told from a missing number
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError, EOFError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{path} can't be read as CSV: {error}.", remedy="Check the file, or get it anew.") from None
    if not isinstance(table.index, pd.RangeIndex):  # pandas would take the first cells for names of rows
        raise DataError(
            f"{path} has rows with more cells than its header has columns.",
            remedy="Write numbers with a decimal point, and end no line with a comma.",
        )
    return table


def _prepare(spec: ModelSpec, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    try:
        prepared = spec.source.prepare(table)
    except KeyError as error:
        raise _lacking(path, [str(error.args[0])], table) from None
    needed = [column.name for column in spec.request.COLUMNS] + [spec.task.target, *spec.extras]
    lacking = [name for name in needed if name not in prepared]
    if lacking:
        raise _lacking(path, lacking, table)
    if prepared.empty:
        raise DataError(f"{path} has no rows.", remedy="Get the file anew, or name another with --data-path.")
    return prepared


def _lacking(path: Path, lacking: list[str], table: pd.DataFrame) -> DataError:
    return DataError(
        f"{path} lacks the column(s) {', '.join(lacking)}; it has {', '.join(map(str, table.columns[:20]))}.",
        remedy="Use a file with the columns that the project's README names.",
    )


def _frame(table: pd.DataFrame, columns: tuple[Column, ...]) -> tuple[Frame, dict[str, Mask]]:
    import pandas as pd

    frame: Frame = {}
    unreadable: dict[str, Mask] = {}
    for column in columns:
        cells = table[column.name].fillna("")
        if column.numeric:
            numbers = pd.to_numeric(cells, errors="coerce")
            frame[column.name] = numbers.to_numpy(dtype=np.float64)
            unreadable[column.name] = (numbers.isna() & (cells != "")).to_numpy()
        else:
            frame[column.name] = cells.to_numpy(dtype=object)
    return frame, unreadable


def _target_column(task: Task) -> Column:
    if isinstance(task, Binary):
        return Column(task.target, numeric=True, whole=True, low=0, high=1)
    return Column(task.target, numeric=True)


def _in_scope(task: Task, target: np.ndarray[Any, Any]) -> Mask:
    if isinstance(task, Binary):
        return np.ones(len(target), dtype=bool)
    low, high = task.within
    # a missing target is not out of scope but bad: it stays, and validation refuses it
    outside: Mask = (target < low) | (target > high)
    return ~outside


def _judge(report: Report, max_bad_rows: int, listed: Path, file: Path) -> None:
    count = int(report.bad.sum())
    if count > max_bad_rows:
        breaches = "\n  ".join(str(breach) for breach in report.breaches)
        raise DataError(
            f"{file} has {count} bad rows, more than max_bad_rows = {max_bad_rows}:\n  {breaches}\n",
            remedy=f"They are listed in {listed}. Mend the data, or raise max_bad_rows in configs/config.yaml.",
        )


def _list_bad_rows(report: Report, cells: pd.DataFrame, lines: np.ndarray[Any, Any], path: Path) -> None:
    """One CSV row a bad row: its line in the file, the reasons, and its cells as they were written."""
    if not report.bad.any():
        path.unlink(missing_ok=True)
        return
    reasons: dict[int, list[str]] = {}
    for breach in report.breaches:
        for row in breach.rows:
            reasons.setdefault(row, []).append(f"{breach.column}: {breach.rule}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["line", "reasons", *cells])
        for row in sorted(reasons):
            writer.writerow([lines[row], "; ".join(reasons[row]), *cells.iloc[row]])
