"""Toy projects that are installed as real ones are, so that commands and other processes find them by name."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toys import COST, LATE, go_live, project, write_bundle

from portfolio.batch.flow import score, score_part
from portfolio.batch.job import Done, Job, Part
from portfolio.batch.join import Summary
from portfolio.batch.model import open_model
from portfolio.batch.plan import Order
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project

TOYS = Path(__file__).parents[1]
ENTRY_POINTS = "[portfolio.projects]\ntoylate = installed_toys:LATE\ntoycost = installed_toys:COST\n"
MODULE = """
from dataclasses import replace
from pathlib import Path

import toys

LATE = replace(toys.LATE, folder=Path({late!r}))
COST = replace(toys.COST, folder=Path({cost!r}))
"""


class Told:
    """A watch that keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.kept: list[int] = []
        self.scored: list[int] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def started(self, job: Job, finished: dict[int, Done]) -> None:
        self.kept = sorted(finished)

    def finished(self, done: Done) -> None:
        self.scored.append(done.number)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two projects and their live models, which is to be put on the path."""
    folder = tmp_path_factory.mktemp("installed")
    for spec in (LATE, COST):
        placed = project(spec, folder / spec.name)
        go_live(write_bundle(placed, placed.root / "models" / "v1"), model_version="7")
    installed = folder / "toys-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    places = {"late": str(folder / "toylate"), "cost": str(folder / "toycost")}
    (folder / "installed_toys.py").write_text(MODULE.format(**places))
    return folder


@pytest.fixture(scope="module")
def late(installation: Path) -> Iterator[ModelSpec]:
    """A binary project, installed beside a regression one until the module ends: other tests list what is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(installation), str(TOYS)]))
        patch.syspath_prepend(str(installation))
        yield find_project("toylate")
    importlib.invalidate_caches()


@pytest.fixture(scope="module")
def cost(late: ModelSpec) -> ModelSpec:
    """The regression project."""
    return find_project("toycost")


Score = Callable[..., Summary]


@pytest.fixture
def told() -> Told:
    """What a job said while it ran."""
    return Told()


@pytest.fixture
def run(late: ModelSpec, tmp_path: Path, told: Told) -> Score:
    """Score in this very process."""

    def run(source: Path | str, output: str, *, spec: ModelSpec = late, **options: Any) -> Summary:
        return score(Order(spec=spec, source=str(source), output=tmp_path / output, **options), here, told)

    return run


def here(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
    """An engine without other processes."""
    model = open_model(job)
    for part in parts:
        yield score_part(model, job, part)
