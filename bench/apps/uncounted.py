"""bankchurn's own application that counts and keeps nothing: what both cost is the difference."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

from bankchurn.model import SPEC
from portfolio.serving import app as serving
from portfolio.serving.metrics import Metrics
from portfolio.spec import Outcome


class Uncounted(Metrics):
    """Metrics without the two calls of every prediction."""

    def requested(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count nothing."""

    def predicted(self, outcomes: Sequence[Outcome]) -> None:
        """Count nothing."""


# the application has no switch for it, as no user should need one
with patch.object(serving, "Metrics", Uncounted), patch.object(serving, "_journal", lambda *_: None):
    app = serving.build(SPEC)
