"""A value that is asked for in the background, so that whoever wants it never waits for a slow service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")
LATELY_SECONDS = 15.0  # an older value says nothing of now


class Kept(Generic[T]):
    """What `ask` returned last; asked anew, at most once at a time, when it is older than `fresh` seconds.

    It is told for so long as it is younger than `lately`.
    """

    def __init__(self, ask: Callable[[], T], fresh: float, *, lately: float = LATELY_SECONDS) -> None:
        self._ask, self._fresh, self._lately = ask, fresh, lately
        self._lock, self._told = Lock(), Event()
        self._told.set()
        self._at = self._begun = float("-inf")
        self._value: T | None = None

    def renew(self) -> None:
        """Ask anew, if it is time; returns at once."""
        with self._lock:
            if self._told.is_set() and self._age > self._fresh:
                self._told.clear()
                self._begun = monotonic()
                Thread(target=self._renew, daemon=True).start()

    def read(self, patience: float) -> T | None:
        """What is told so many seconds after it was asked, or was told lately; None where neither is."""
        self._told.wait(max(0.0, self._begun + patience - monotonic()))
        return self._value if self._age < self._lately else None

    @property
    def _age(self) -> float:
        return monotonic() - self._at

    def _renew(self) -> None:
        try:
            value = self._ask()
            self._value, self._at = value, monotonic()
        finally:
            self._told.set()


def read_all(kept: Sequence[Kept[T]], *, patience: float) -> list[T | None]:
    """All of them, asked at the same time and waited for together; None where nothing was told lately."""
    for each in kept:
        each.renew()
    return [each.read(patience) for each in kept]
