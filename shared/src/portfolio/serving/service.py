"""One running API: what its routes and its flow share."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from portfolio.bundle import fingerprint
from portfolio.predictions.journal import Journal
from portfolio.serving.board import Board
from portfolio.serving.drain import Drain
from portfolio.serving.ids import Ids
from portfolio.serving.live import Live
from portfolio.serving.metrics import Metrics
from portfolio.spec import ModelSpec


@dataclass(frozen=True)
class Code:
    """The code that runs. `features_fingerprint` compares with that of a bundle."""

    version: str
    git_commit: str
    features_fingerprint: str

    @classmethod
    def running(cls, spec: ModelSpec) -> Code:
        """Of this process: asked when it starts, as files may change later."""
        try:
            installed = version(spec.name)
        except PackageNotFoundError:  # it runs without being installed
            installed = "unknown"
        return cls(installed, os.environ.get("GIT_COMMIT") or "unknown", fingerprint(spec))


@dataclass(frozen=True)
class Service:
    """A spec with what is live. `started` is on the monotonic clock; without `journal` predictions are not kept."""

    spec: ModelSpec
    live: Live
    metrics: Metrics
    drain: Drain
    board: Board
    code: Code
    journal: Journal | None = None
    access_log: bool = False
    ids: Ids = field(default_factory=Ids)
    started: float = field(default_factory=time.monotonic)
