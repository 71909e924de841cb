"""Counters that cost a tenth of a microsecond and stay right across workers.

Every worker adds to a file of its own in memory shared with the others, so nobody locks; whoever is asked for /metrics
adds the files up. A dead worker's file stays, so no counter ever falls. Within a worker the event loop and two threads
add without a lock too: CPython does not change threads between reading a slot and storing it.
"""

from __future__ import annotations

import mmap
import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import accumulate, product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

Key = tuple[str, ...]
Slots: TypeAlias = "memoryview[float]"
Vector = np.ndarray[Any, np.dtype[np.float64]]

EMPTY: Slots = memoryview(bytearray()).cast("B").cast("d")
SUFFIX = ".tally"


class Counts:
    """A counter with a slot for every combination of its labels' values."""

    def __init__(self, name: str, about: str, labels: dict[str, Sequence[str]], *, zeros: Iterable[Key] = ()) -> None:
        self.name, self.about, self.labels, self._zeros = name, about, tuple(labels), frozenset(zeros)
        self.at: dict[Key, int] = {key: place for place, key in enumerate(product(*labels.values()))}
        self.size = len(self.at)
        self.slots: Slots = EMPTY

    def add(self, key: Key, number: float = 1) -> None:
        """Count; raises KeyError for values that were not declared."""
        self.slots[self.at[key]] += number

    def family(self, totals: Vector) -> CounterMetricFamily:
        """What /metrics shows: whatever was counted at all, and `zeros` from the start."""
        family = CounterMetricFamily(self.name, self.about, labels=self.labels)
        for key, place in self.at.items():
            if totals[place] or key in self._zeros:
                family.add_metric(key, totals[place])
        return family


class Spread:
    """A histogram for every combination of its labels' values: a slot a bucket, one beyond, and the sum."""

    def __init__(self, name: str, about: str, bounds: Sequence[float], labels: dict[str, Sequence[str]]) -> None:
        self.name, self.about, self.bounds, self.labels = name, about, tuple(bounds), tuple(labels)
        self.width = len(bounds) + 2
        self.at: dict[Key, int] = {key: place * self.width for place, key in enumerate(product(*labels.values()))}
        self.size = len(self.at) * self.width
        self.slots: Slots = EMPTY

    def observe(self, key: Key, value: float) -> None:
        """Count one value; raises KeyError for label values that were not declared."""
        first = self.at[key]
        self.slots[first + bisect_left(self.bounds, value)] += 1
        self.slots[first + self.width - 1] += value

    def family(self, totals: Vector) -> HistogramMetricFamily:
        """What /metrics shows; without labels also while it is empty."""
        family = HistogramMetricFamily(self.name, self.about, labels=self.labels)
        ends = [*map(str, map(float, self.bounds)), "+Inf"]
        for key, first in self.at.items():
            counts = np.cumsum(totals[first : first + self.width - 1])
            if counts[-1] or not self.labels:
                family.add_metric(key, list(zip(ends, counts.tolist(), strict=True)), totals[first + self.width - 1])
        return family


class Tally:
    """The slots of one worker's counters, beside those of the others in `folder`, if there is one."""

    def __init__(self, blocks: Iterable[Counts | Spread], folder: Path | None) -> None:
        self._blocks, self._folder = tuple(blocks), folder
        ends = list(accumulate(block.size for block in self._blocks))
        self._suffix = f".{_layout(self._blocks)}{SUFFIX}"  # code that counts other things may run beside this
        size = 8 * ends[-1]
        self._own = memoryview(_shared(folder, self._suffix, size) if folder else bytearray(size)).cast("d")
        for block, end in zip(self._blocks, ends, strict=True):
            block.slots = self._own[end - block.size : end]

    def families(self) -> Iterator[Metric]:
        """Every counter, summed over all workers that ever counted."""
        totals = np.array(self._own) if self._folder is None else _sum(self._files())
        for block in self._blocks:
            yield block.family(totals[: block.size])
            totals = totals[block.size :]

    def workers(self) -> list[int]:
        """Process ids of the workers that run."""
        if self._folder is None:
            return [os.getpid()]
        ids = {int(file.name.partition("-")[0]) for file in self._files()}
        return [process for process in sorted(ids) if Path(f"/proc/{process}").exists()]

    def _files(self) -> list[Path]:
        return list(self._folder.glob(f"*{self._suffix}")) if self._folder else []


def _layout(blocks: Iterable[Counts | Spread]) -> str:
    named = [(block.name, sorted(block.at.items()), getattr(block, "bounds", ())) for block in blocks]
    return sha256(repr(named).encode()).hexdigest()[:12]


def _sum(files: Iterable[Path]) -> Vector:
    return np.asarray(np.sum([np.fromfile(file) for file in files], axis=0))


def _shared(folder: Path, suffix: str, size: int) -> mmap.mmap:
    """A file of this process alone, as an id may come back; a reader does not find it before it has its size."""
    draft = folder / f"{os.getpid()}-{time.monotonic_ns()}"
    with draft.open("xb+") as file:
        file.truncate(size)
        shared = mmap.mmap(file.fileno(), size)
    draft.rename(draft.with_name(draft.name + suffix))
    return shared
