"""What is live: a loaded model or none, as one value that is swapped by one assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from portfolio.bundle import Scorer
from portfolio.errors import ModelNotAvailable
from portfolio.pointer import Current
from portfolio.predictions.journal import Author, Role
from portfolio.serving.board import Failure
from portfolio.spec import ModelSpec, Outcome


@dataclass(frozen=True)
class Loaded:
    """A verified bundle with all it takes to answer: `current` is what named it, `options` the project's own.

    `digest` is the sha256 of the `bundle.json` that was verified; `role` the part that the journal says it plays.
    """

    scorer: Scorer
    digest: str
    current: Current
    options: Mapping[str, Any]
    role: Role = "champion"

    @cached_property
    def author(self) -> Author:
        """What the journal says of who predicted."""
        fields = [column.name for column in self.scorer.spec.request.COLUMNS]
        return Author(self.current.model_version, self.current.bundle, self.role, fields)

    def respond(self, outcome: Outcome, prediction_id: str) -> dict[str, Any]:
        """The response of one row."""
        fields = self.scorer.spec.respond(outcome, self.options)
        return {**fields, "prediction_id": prediction_id, "model_version": self.current.model_version}


@dataclass(frozen=True)
class State:
    """The model that answers, the one that did before it, and the last one that this worker refused."""

    model: Loaded | None = None
    previous: Loaded | None = None
    failure: Failure | None = None

    @property
    def held(self) -> tuple[Loaded, ...]:
        """What is in memory."""
        return tuple(loaded for loaded in (self.model, self.previous) if loaded)

    def remembered(self, bundle: Path) -> Loaded | None:
        """A bundle that is still in memory: bundles never change, so there is nothing to load again."""
        return next((loaded for loaded in self.held if loaded.scorer.directory == bundle), None)


class Live:
    """Holds the state. Readers take it once per request, so a swap never shows two models to one of them."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self.state = State()

    def require(self) -> Loaded:
        """The model that answers now; raises ModelNotAvailable."""
        if self.state.model is None:
            raise ModelNotAvailable(
                f"No model of {self._spec.name} is loaded.",
                remedy=f"Train one with `make train PROJECT={self._spec.name}`; it goes live by itself.",
            )
        return self.state.model
