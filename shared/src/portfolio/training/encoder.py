"""The encoded matrix that every candidate sees: numbers as they are, one column for each known text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from portfolio.data.frames import Arrays, Layout

Matrix = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Encoder:
    """Known `categories` of each text column, sorted; "" (missing) is one of them, an unseen text is all zeros."""

    layout: Layout
    categories: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        return len(self.layout.numeric) + sum(map(len, self.categories))

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature that each encoded column comes from."""
        texts = zip(self.layout.categorical, self.categories, strict=True)
        return (*self.layout.numeric, *(name for name, known in texts for _ in known))

    def encode(self, arrays: Arrays) -> Matrix:
        """float32 [N, width]; the ONNX graph computes the same."""
        hot = [arrays.categorical[:, i, None] == np.array(known, object) for i, known in enumerate(self.categories)]
        return np.hstack([arrays.numeric, *hot]).astype(np.float32, copy=False)


def fit_encoder(arrays: Arrays, layout: Layout) -> Encoder:
    """Learn the categories from training rows."""
    return Encoder(layout, tuple(tuple(sorted(set(column.tolist()))) for column in arrays.categorical.T))
