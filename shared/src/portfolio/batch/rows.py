"""The rows of one part, as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from portfolio.data.frames import take
from portfolio.data.rules import Mask
from portfolio.spec import Column, Frame, is_missing

Object = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A row that is not scored: its number in the part (from 1), what is wrong with it, and the row as it was read."""

    row: int
    problems: tuple[Mapping[str, object], ...]
    raw: object


@dataclass(frozen=True)
class Rows:
    """N rows. `passed` is what goes through to the output: a table, or objects where JSON lines were read.

    `frame` has the request's columns; `doubtful` marks the cells that it can't show, such as text where a number
    belongs. `numbers` are the rows' numbers in the part, from 1.
    """

    passed: pa.Table | list[Object]
    frame: Frame
    doubtful: dict[str, Mask]
    numbers: np.ndarray[Any, np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.numbers)

    def only(self, wanted: Mask) -> Rows:
        """The marked rows."""
        if wanted.all():
            return self
        at = np.flatnonzero(wanted)
        passed = [self.passed[row] for row in at] if isinstance(self.passed, list) else self.passed.take(pa.array(at))
        return Rows(passed, take(self.frame, wanted), take(self.doubtful, wanted), self.numbers[wanted])

    def raw(self, row: int) -> Object:
        """One row as it was read."""
        if isinstance(self.passed, list):
            return self.passed[row]
        return {name: values[row].as_py() for name, values in zip(self.passed.column_names, self.passed, strict=True)}

    def asked(self, row: int, columns: tuple[Column, ...]) -> Object:
        """One row as the request object that a client would send for it."""
        raw = self.raw(row)
        if isinstance(self.passed, list):
            return {column.name: raw[column.name] for column in columns if column.name in raw}
        return {
            column.name: raw[column.name] if doubtful else self.frame[column.name][row : row + 1].tolist()[0]
            for column in columns
            if (doubtful := self._in_doubt(column.name, row)) or not self._is_missing(column.name, row)
        }

    def _in_doubt(self, name: str, row: int) -> bool:
        return name in self.doubtful and bool(self.doubtful[name][row])

    def _is_missing(self, name: str, row: int) -> bool:
        return bool(is_missing(self.frame[name][row : row + 1])[0])
