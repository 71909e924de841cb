"""What keeping predictions costs: the service with its journal beside the same service whose configuration has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.model import Model, copy_project
from bench.servers import Server, in_copy, service
from bench.serving import Cores, Effort, Measured, measure_at

KEEPING, KEEPING_NOTHING = "/predict with journal", "/predict without journal"
CONNECTIONS = 16
ROUNDS, SECONDS = 10, 1.0
"""Ten times as many rounds as elsewhere, and short ones: the difference is smaller than what the machine drifts by."""


def measure(model: Model, cores: Cores, effort: Effort, say: Callable[[str], None]) -> list[Measured]:
    """Both under the same load in turns."""
    more = replace(effort, rounds=ROUNDS * effort.rounds, seconds=SECONDS)
    pair = (_server(KEEPING, "with", journal=True), _server(KEEPING_NOTHING, "without", journal=False))
    return measure_at((CONNECTIONS,), pair, model, cores, more, say)


def _server(name: str, copy: str, *, journal: bool) -> Server:
    copy_project(copy, journal=journal)
    one = service()
    return replace(
        one, name=name, env={**one.env, **in_copy(copy)}, how=f"{one.how}, `journal: {str(journal).lower()}`"
    )
