"""The commands that make models, and tell of those that were made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from portfolio import terminal
from portfolio.cli.whom import Name, Names, named
from portfolio.errors import ConfigError
from portfolio.options import DataPath, Demo, Quick, Register
from portfolio.settings import read_settings
from portfolio.spec.projects import find_project, only_project


def train(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="All projects (the same as naming none).")] = False,
    register_model: Register = None,
    demo: Demo = False,
    quick: Quick = False,
    data_path: DataPath = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only what the registry has no champion of.")] = False,
) -> None:
    """Train, register and gate. Exit code: 0 promote, 1 error, 2 champion kept, 3 blocked by the gate.

    A project that fails does not keep the others from being trained; of several projects 1 goes before 3, 3 before 2.
    """
    from portfolio import registry
    from portfolio.training import command as training

    def command() -> int:
        specs = named(None if every else names)
        if data_path and len(specs) != 1:
            raise ConfigError("--data-path is one project's file.", remedy="Name the project before it.")
        if missing:
            specs = [spec for spec in specs if registry.champion(spec.name, read_settings().patient()) is None]
        effort = training.effort_of(demo=demo, quick=quick)
        return training.run_trainings(specs, effort=effort, data_path=data_path, register=register_model)

    terminal.run(command)


def retrain(name: Name = "", demo: Demo = False, quick: Quick = False, data_path: DataPath = None) -> None:
    """Refresh the data, train, gate, promote or keep. Exit code: 0 promoted, 1 error, 2 champion kept, 3 blocked."""

    def command() -> int:
        from portfolio.training.command import effort_of
        from portfolio.training.retrain_command import run_retraining

        spec = find_project(name or only_project())
        return run_retraining(spec, effort=effort_of(demo=demo, quick=quick), data_path=data_path)

    terminal.run(command)


def evaluate(
    names: Names = None,
    demo: Annotated[bool, typer.Option("--demo", help="A shorter search in every split.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="No search: the known good parameters.")] = False,
    seeds: Annotated[int | None, typer.Option(min=2, help="Number of splits; else the configured one.")] = None,
    first_seed: Annotated[int, typer.Option(min=0, help="Salt of the first split.")] = 0,
    report: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Quality over many splits, the search repeated in each, beside LightGBM's defaults on the same rows."""
    from portfolio.training import command as training
    from portfolio.training.repeated import show

    effort = training.effort_of(demo=demo, quick=quick)

    def command() -> None:
        found = {spec.name: show(spec, effort=effort, seeds=seeds, first_seed=first_seed) for spec in named(names)}
        if report:
            report.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))

    terminal.run(command)


def cards(
    names: Names = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 where one is not current.")
    ] = False,
) -> None:
    """Write docs/models from the manifests there; of projects that are named, take the served model's first."""

    def command() -> int:
        from portfolio.training import cards as writer

        models, console = writer.folder(), terminal.output()
        if check:
            stale = writer.stale(models)
            for path in stale:
                console.print(f"{path} is not what its manifest says: make docs-models", markup=False)
            return 1 if stale else 0
        for name in names or ():
            console.print(f"taken: {writer.take(find_project(name), models)}", markup=False)
        for path in writer.write(models):
            console.print(f"written: {path}", markup=False)
        return 0

    terminal.run(command)
