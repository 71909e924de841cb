"""Which part of the split a row belongs to: a stable hash of its group, never its position or the rows around it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from portfolio.spec import Frame

TEST_SHARE = 0.2
SALT = 42
"""Of every training run. With another one a champion would be judged on rows that it trained on."""


def group_keys(frame: Frame, fields: Sequence[str]) -> list[bytes]:
    """One key a row from the named columns: rows with equal values have equal keys."""
    cells = [[_text(value) for value in frame[name].tolist()] for name in fields]
    return ["\x1f".join(row).encode() for row in zip(*cells, strict=True)]


def is_test(keys: Sequence[bytes], *, salt: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """True for the fifth of all groups that is never trained on. A row keeps its part when rows are added."""
    return _uniform(keys, f"part-{salt}") < TEST_SHARE


def folds(keys: Sequence[bytes], count: int, *, salt: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A fold in 0..count-1 for every row, the same for all rows of a group."""
    return np.asarray(_uniform(keys, f"fold-{salt}") * count, dtype=np.int64)


def _uniform(keys: Sequence[bytes], salt: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    seasoned = blake2b(salt.encode(), digest_size=8)
    return np.array([_hash(seasoned, key) for key in keys], dtype=np.float64) / 2.0**64


def _hash(seasoned: Any, key: bytes) -> int:
    digest = seasoned.copy()
    digest.update(key)
    return int.from_bytes(digest.digest(), "big")


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)
