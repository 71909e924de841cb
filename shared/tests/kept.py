"""What tests of the journal share: entries, a counter, a store that is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from portfolio.errors import StoreError
from portfolio.predictions.journal import Author, Entry, Journal, Loss
from portfolio.predictions.room import Bound
from portfolio.store import Prediction

AUTHOR = Author("7", "v1", "champion", ["pieces", "weight", "colour"])
WIDE = Bound(most=16 * 1024 * 1024, segment=1024 * 1024)


class Told(Counter[str]):
    """What a journal says that it kept and lost."""

    def kept(self, number: int) -> None:
        self["kept"] += number

    def lost(self, reason: Loss, number: int) -> None:
        self[reason] += number

    def refused(self, reason: Loss, number: int) -> None:
        self[f"refused, {reason}"] += number


class Shelf:
    """A store in memory, which can be away."""

    def __init__(self) -> None:
        self.rows: dict[str, Prediction] = {}
        self.away = False
        self.batches: list[int] = []

    def __call__(self, batch: Sequence[Prediction]) -> int:
        if self.away:
            raise StoreError("The store is away.")
        self.batches.append(len(batch))
        before = len(self.rows)
        self.rows |= {row.prediction_id: row for row in batch}
        return len(self.rows) - before


def entry(number: int, **fields: object) -> Entry:
    """The prediction of that number."""
    features = {"pieces": number % 9, "weight": None, "colour": "neither dark nor bright red"} | fields
    return (f"p{number:06d}", 1500, number / 1000, number % 2, f"r{number}", "", list(features.values()))


def entries(start: int, stop: int) -> list[Entry]:
    """Predictions by number."""
    return [entry(number) for number in range(start, stop)]


def names(start: int, stop: int) -> set[str]:
    """Their ids."""
    return {f"p{number:06d}" for number in range(start, stop)}


def journal(folder: Path, told: Told, bound: Bound = WIDE, **options: object) -> Journal:
    """A worker's side."""
    return Journal(folder, bound, told, **options)  # type: ignore[arg-type]
