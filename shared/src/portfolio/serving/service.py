"""One running API: what its routes and its flow share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from portfolio.serving.board import Board
from portfolio.serving.drain import Drain
from portfolio.serving.ids import Ids
from portfolio.serving.live import Live
from portfolio.serving.metrics import Metrics
from portfolio.spec import ModelSpec


@dataclass(frozen=True)
class Service:
    """A spec with what is live. `started` is on the monotonic clock."""

    spec: ModelSpec
    live: Live
    metrics: Metrics
    drain: Drain
    board: Board
    access_log: bool = False
    ids: Ids = field(default_factory=Ids)
    started: float = field(default_factory=time.monotonic)

    @property
    def version(self) -> str:
        """The project package's version; "unknown" where it runs without being installed."""
        try:
            return version(self.spec.name)
        except PackageNotFoundError:
            return "unknown"
