"""Labels in a CSV file: read line by line, recorded in parts, and what was not is listed beside the file."""

from __future__ import annotations

import csv
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from portfolio.errors import DataError
from portfolio.predictions.labels import FIELDS, NEEDED, join_labels, label_of, settle_aside
from portfolio.settings import Settings
from portfolio.store import Joined, Label

THEY_ARE = f"They are: {','.join(FIELDS)}."
PART = 5_000
SHOWN = 20
TOLD = ("line", "reason")
"""Columns that a list of refused rows has beside the others: it can be corrected and imported as it is."""
RECORDED = ("recorded", "repeated", "replaced")


@dataclass(frozen=True)
class Line:
    """A line of a file: what its cells say, and the label that makes, or why it makes none."""

    number: int
    cells: dict[str, str]
    label: Label | None
    reason: str = ""


@dataclass(frozen=True)
class Refused:
    """A line that was not recorded, and why."""

    line: int
    outcome: str
    reason: str
    cells: dict[str, str]


@dataclass
class Imported:
    """What became of a file's lines; `first` are the first of those that were not recorded, `file` lists them all."""

    counts: Counter[str] = field(default_factory=Counter)
    first: list[Refused] = field(default_factory=list)
    file: Path | None = None
    settled: int = 0

    @property
    def refused(self) -> int:
        """How many were not recorded."""
        return sum(number for outcome, number in self.counts.items() if outcome not in RECORDED)


def import_file(path: Path, settings: Settings, *, replace: bool = False) -> Imported:
    """Record the labels of a CSV file that begins with its columns' names. Raises DataError or StoreError."""
    rejected, imported = path.with_name(f"{path.stem}.rejected.csv"), Imported()
    with open_bytes(path) as file:
        raw = lines_of(file)
        columns = header_of(text_of(next(raw, b"")))
        if columns is None:
            raise DataError(f"{path} does not begin with the names of its columns.", remedy=THEY_ARE)
        _forget(rejected)
        lines = read_lines(raw, columns, first=2)
        while part := list(islice(lines, PART)):
            record(part, imported, settings, rejected=rejected, replace=replace)
    imported.settled = settle_aside(settings)
    return imported


def open_bytes(path: Path) -> Any:
    """An open file. Raises DataError."""
    try:
        return path.open("rb")
    except OSError as error:
        remedy = f"Let user {os.geteuid()} read it." if isinstance(error, PermissionError) else "Check the path."
        raise DataError(f"{path} can't be read: {error.strerror}.", remedy=remedy) from None


def lines_of(file: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file with their ends, which may be those of Unix, of Windows, or of Macs once."""
    for raw in file:
        yield from raw.splitlines(keepends=True)


def header_of(text: str) -> tuple[str, ...] | None:
    """The columns that a line names, None where it names none. Raises DataError for a name that labels don't have.

    So it does for a line that is no CSV at all.
    """
    names = tuple(cell.strip() for cell in cells_of(text))
    if NEEDED[0] not in names:
        return None
    wrong = [name for name in names if name not in FIELDS + TOLD] + [name for name in NEEDED if name not in names]
    if wrong or len(set(names)) != len(names):
        shown = ", ".join(repr(name[:64]) for name in wrong) or "one twice"
        raise DataError(f"The columns are not those of labels: {shown}.", remedy=THEY_ARE)
    return names


def read_lines(lines: Iterable[bytes], columns: tuple[str, ...], *, first: int) -> Iterator[Line]:
    """The lines of a file from number `first` on; a header in between counts from there on, and is no line itself."""
    now = datetime.now(UTC)
    for number, raw in enumerate(lines, first):
        for text in apart(text_of(raw)):
            try:
                named = header_of(text)
            except DataError as error:
                yield Line(number, {}, None, error.detail)
                continue
            if named:
                columns = named
            elif text:
                yield _line(number, cells_of(text), columns, now)


def record(part: Sequence[Line], into: Imported, settings: Settings, *, rejected: Path, replace: bool = False) -> None:
    """Record the labels of some lines, count, and list what was not recorded in the file `rejected`."""
    joined = iter(join_labels([line.label for line in part if line.label], settings, replace=replace))
    refused = []
    for line in part:
        came = next(joined) if line.label else Joined("", "refused", line.reason)
        into.counts[came.outcome] += 1
        if came.outcome not in RECORDED:
            refused.append(Refused(line.number, came.outcome, came.reason, line.cells))
    if refused:
        into.first += refused[: SHOWN - len(into.first)]
        into.file = rejected
        _list(refused, rejected)


def text_of(raw: bytes) -> str:
    """A line as text, without its end and a byte order mark; what is no UTF-8 becomes U+FFFD, which no field takes."""
    return raw.decode("utf-8", errors="replace").removeprefix("\ufeff").strip("\r\n ")


def cells_of(text: str) -> list[str]:
    """The cells of one line; a quote that does not end ends with it. Raises DataError."""
    try:
        return next(csv.reader([text]), [])
    except csv.Error as error:
        raise DataError(f"This is no line of CSV: {error}.", remedy=THEY_ARE) from None


def apart(text: str) -> Iterator[str]:
    """A line, and the header that `cat` has glued to its end where the file before it ended without one."""
    before, name, after = text.partition(f"{FIELDS[0]},")
    if before.strip('" ') and name:
        yield from (before, name + after)
    else:
        yield text


def _line(number: int, cells: list[str], columns: tuple[str, ...], now: datetime) -> Line:
    found = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    if len(cells) != len(columns):
        return Line(number, found, None, f"{len(cells)} values where {len(columns)} columns are")
    values = {name: cell for name, cell in found.items() if name in FIELDS}
    made = label_of(values | {"true_label": _number(found["true_label"])}, now=now)
    if isinstance(made, Label):
        return Line(number, found, made)
    return Line(number, found, None, "; ".join(f"{wrong.field} {wrong.message}" for wrong in made))


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in place of one that may belong to another user: that takes the right to its folder alone.

    In a folder with setgid, as containers and their host share it, its group may write the file, too.
    """
    part, folder = path.with_name(f".{path.name}.part"), path.parent.stat().st_mode
    part.unlink(missing_ok=True)
    part.write_bytes(content)
    if folder & stat.S_ISGID:
        part.chmod(folder & 0o666)
    part.replace(path)


def _forget(rejected: Path) -> None:
    """Remove the list of the last time."""
    try:
        rejected.unlink(missing_ok=True)
    except OSError as error:
        raise _unlisted(rejected, error) from None


def _list(refused: Sequence[Refused], file: Path) -> None:
    try:
        if not os.access(file, os.W_OK, effective_ids=True):
            replace_file(file, file.read_bytes() if file.exists() else b"")
        with file.open("a", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, [*FIELDS, *TOLD], extrasaction="ignore", restval="")
            if out.tell() == 0:
                writer.writeheader()
            writer.writerows({**row.cells, "line": row.line, "reason": row.reason} for row in refused)
    except OSError as error:
        raise _unlisted(file, error) from None


def _unlisted(file: Path, error: OSError) -> DataError:
    return DataError(
        f"{file} can't be written: {error.strerror}.",
        remedy=f"It lists what was not recorded; let user {os.geteuid()} write into its folder.",
    )
