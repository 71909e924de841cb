"""What keeping predictions costs: the application with its journal beside the same whose configuration has none.

Each has a copy of the project, so that the bench keeps nothing in the journal and the store of whoever runs it. The
journal alone is compared; what the shipper takes where it has to share the worker's one core is shown beside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.model import BENCH, PROJECT, ROOT, Model
from bench.servers import Server, service, uvicorn
from bench.serving import Cores, Effort, Measured, measure_at

KEEPING, KEEPING_NOTHING, SHIPPING = "journal", "no journal", "journal and shipper on one core"
CONNECTIONS = 16
ROUNDS = 2
"""Times as many as elsewhere: the difference is small."""
NOT_COPIED = shutil.ignore_patterns("raw", "journal", "tests", "mlruns", "__pycache__")
APPLICATION = (*uvicorn(f"{PROJECT}.api:app"), "--http", "portfolio.serving.connection:Connection")


def measure(model: Model, cores: Cores, effort: Effort, say: Callable[[str], None]) -> list[Measured]:
    """All under the same load in turns."""
    servers = (
        replace(_server(KEEPING, journal=True), command=APPLICATION, how="the application under uvicorn"),
        replace(_server(KEEPING_NOTHING, journal=False), command=APPLICATION, how="the same, `journal: false`"),
        _server(SHIPPING, journal=True),
    )
    more = replace(effort, rounds=ROUNDS * effort.rounds)
    return measure_at((CONNECTIONS,), servers, model, cores, more, say)


def _server(name: str, *, journal: bool) -> Server:
    folder = BENCH / "journal" / name.replace(" ", "-")
    _copy(folder / PROJECT, journal=journal)
    settings = {"PYTHONPATH": str(folder / PROJECT / "src"), "DATABASE_URL": f"sqlite:///{folder}/store.db"}
    return replace(service(), name=name, env={**service().env, **settings})


def _copy(project: Path, *, journal: bool) -> None:
    shutil.rmtree(project.parent, ignore_errors=True)
    shutil.copytree(ROOT / "projects" / PROJECT, project, ignore=NOT_COPIED)
    with (project / "configs" / "config.yaml").open("a", encoding="utf-8") as config:
        config.write(f"\njournal: {str(journal).lower()}\n")
