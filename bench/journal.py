"""What keeping predictions costs: /predict with its journal beside the same service whose configuration has none.

Both are copies of the project, so that the bench keeps nothing in the journal and the store of whoever runs it. The
shipper has the worker's core: what it takes from the worker is part of the cost.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.model import BENCH, PROJECT, ROOT, Model
from bench.servers import Server, service
from bench.serving import Cores, Effort, Measured, measure_at

KEEPING, KEEPING_NOTHING = "/predict with journal", "/predict without journal"
CONNECTIONS = 16
ROUNDS = 2
"""Times as many as elsewhere: the difference is small."""
NOT_COPIED = shutil.ignore_patterns("raw", "journal", "tests", "mlruns", "__pycache__")


def measure(model: Model, cores: Cores, effort: Effort, say: Callable[[str], None]) -> list[Measured]:
    """Both under the same load in turns."""
    pair = (_server(KEEPING, journal=True), _server(KEEPING_NOTHING, journal=False))
    more = replace(effort, rounds=ROUNDS * effort.rounds)
    return measure_at((CONNECTIONS,), pair, model, cores, more, say)


def _server(name: str, *, journal: bool) -> Server:
    folder = BENCH / "journal" / ("with" if journal else "without")
    _copy(folder / PROJECT, journal=journal)
    settings = {"PYTHONPATH": str(folder / PROJECT / "src"), "DATABASE_URL": f"sqlite:///{folder}/store.db"}
    return replace(service(), name=name, env={**service().env, **settings})


def _copy(project: Path, *, journal: bool) -> None:
    shutil.rmtree(project.parent, ignore_errors=True)
    shutil.copytree(ROOT / "projects" / PROJECT, project, ignore=NOT_COPIED)
    with (project / "configs" / "config.yaml").open("a", encoding="utf-8") as config:
        config.write(f"\njournal: {str(journal).lower()}\n")
