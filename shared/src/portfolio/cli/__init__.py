"""The command line: `portfolio COMMAND [PROJECT]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from portfolio import terminal
from portfolio.batch.job import EngineName
from portfolio.cli import labels, store
from portfolio.cli.training import cards, evaluate, retrain, train
from portfolio.cli.whom import Name, Names, named
from portfolio.data import source
from portfolio.demo import command as demo
from portfolio.errors import ConfigError
from portfolio.promotion import commands as promotion
from portfolio.serving import command as serving
from portfolio.settings import read_config, read_settings
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project, only_project

Missing = Annotated[bool, typer.Option("--missing", help="Only the projects that have none yet.")]
Port = Annotated[int | None, typer.Option(help="Port; else the one in the project's configuration.")]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]


def main() -> None:
    """Entry point of `portfolio`."""
    terminal.start(_app())


def project_command(spec: ModelSpec) -> Callable[[], None]:
    """Entry point of a project's own command: `bankchurn train --quick` is `portfolio train bankchurn --quick`."""

    def command() -> None:
        verb, *rest = sys.argv[1:] or ["--help"]
        terminal.start(_app(), [verb, *([] if verb.startswith("-") else [spec.name]), *rest])

    return command


def projects() -> None:
    """List the installed projects."""
    table = Table("project", "title", "port", "folder", box=None, padding=(0, 2, 0, 0))
    for spec in named(None):
        table.add_row(
            spec.name, spec.title, str(read_config(spec.root / "configs" / "config.yaml").port), str(spec.root)
        )
    terminal.output().print(table)


def data(names: Names = None, missing: Missing = False) -> None:
    """Fill data/raw: from DATA_MIRROR, else the public address, else the bundled synthetic sample."""

    def command() -> None:
        console, mirror = terminal.output(), read_settings().data_mirror
        for spec in named(names):
            if missing and source.has_raw(spec):
                continue
            file = source.refresh(spec, mirror=mirror)
            console.print(f"{spec.name}: {file.path} ({file.dataset.label}), sha256 {file.sha256[:12]}")

    terminal.run(command)


def serve(name: Name = "", port: Port = None, host: Host = "127.0.0.1") -> None:
    """Run one project's API, and follow the registry's champion."""

    def command() -> None:
        spec = find_project(name or only_project())
        serving.serve(spec, host=host, port=port or read_config(spec.root / "configs" / "config.yaml").port)

    terminal.run(command)


def monitoring(
    port: Annotated[int, typer.Option(help="Port.")] = 8010,
    host: Host = "127.0.0.1",
) -> None:
    """Run the monitoring service: every project looked at on an interval, findings and traffic over HTTP."""
    from portfolio.watch import command as watch

    terminal.run(lambda: watch.serve(host=host, port=port))


def fetch(name: Name = "") -> None:
    """Bring the champion into the cache, once: for an image or a machine that will not reach the registry."""
    from portfolio.serving import fetch as fetching

    def command() -> None:
        spec = find_project(name or only_project())
        version = fetching.bring_champion(spec, read_settings())
        terminal.output().print(f"{spec.name}: version {version.version} is cached, {version.bundle_version}")

    terminal.run(command)


def score(
    name: str,
    source: Annotated[str, typer.Option("--input", help="File, folder or 'pattern' of files.")],
    output: Annotated[Path, typer.Option(help="File to write.")],
    bundle: Annotated[Path | None, typer.Option(help="Bundle folder; else the one that is served.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; else one a core.")] = None,
    engine: Annotated[EngineName, typer.Option(help="Where it runs: this machine, or a Ray cluster.")] = "local",
    ray_address: Annotated[str | None, typer.Option(help="Ray cluster; else a Ray of its own.")] = None,
) -> None:
    """Score files of rows. Exit code 3: done, but some rows were refused; OUTPUT.rejected.jsonl lists them.

    Inputs end with .csv, .jsonl, .ndjson (each also with .gz after it) or .parquet, the output with one of these
    without .gz. After a run that was broken off, the same command goes on with the parts that are finished.
    """

    def command() -> int:
        if find_spec("pyarrow") is None:
            raise ConfigError("Scoring files needs pyarrow.", remedy="pip install 'portfolio[batch]'")
        from portfolio.batch import command as batch
        from portfolio.batch.plan import Order

        order = Order(spec=find_project(name), source=source, output=output, bundle=bundle, overwrite=overwrite)
        return batch.run_scoring(order, batch.engine_of(engine, workers=workers, ray_address=ray_address))

    terminal.run(command)


def drift(
    names: Names = None,
    source: Annotated[str, typer.Option("--input", help="File or URL of rows; else the project's own source.")] = "",
    bundle: Annotated[Path | None, typer.Option(help="Bundle folder; else the one that is served.")] = None,
    report: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """How far rows are from those the model was tested on. Exit code: 0 ok, 1 watch, 2 act, 3 could not judge.

    The rows have the columns of the project's data set. Left out, they are fetched anew from where that comes from.
    """

    def command() -> int:
        from portfolio.monitoring.sources import Order
        from portfolio.monitoring.sources_command import run_drift

        specs = named(names)
        if (source or bundle) and len(specs) != 1:
            raise ConfigError("--input and --bundle are one project's.", remedy="Name the project before them.")
        return run_drift(specs, Order(address=source, bundle=bundle), report=report)

    terminal.run(command, failed=3)


def monitor(
    names: Names = None,
    days: Annotated[
        float | None, typer.Option(min=0.001, max=3650, help="Of predictions to look at; else MONITORING_DAYS.")
    ] = None,
) -> None:
    """Judge models by the predictions they made. Exit code: 0 ok, 1 watch, 2 retrain or roll back, 3 could not judge.

    Of several projects 2 goes before 3, 3 before 1.
    """

    def command() -> int:
        from portfolio.monitoring.command import run_monitoring

        return run_monitoring(named(names), days=days)

    terminal.run(command, failed=3)


def twin_make(names: Names = None) -> None:
    """Make the synthetic samples from the real data, for maintainers; the result is committed."""
    from portfolio.twin import command as twin

    terminal.run(lambda: twin.make(named(names)))


def twin_report(names: Names = None) -> None:
    """Train on the twin, test on the real: what the synthetic samples are worth."""
    from portfolio.twin import command as twin

    terminal.run(lambda: twin.report(named(names)))


def _app() -> typer.Typer:
    app = _group("Train, serve and watch the models of this portfolio.")
    for command in (projects, data, train, retrain, evaluate, cards, serve, fetch, score, drift, monitor, monitoring):
        app.command()(command)
    promotion.add_to(app)
    store.add_to(app, _group("What is kept of predictions: the store behind every project."))
    labels.add_to(app, _group("The truth about predictions, as it comes."))
    twin = _group("The synthetic samples in data/sample.")
    twin.command("make")(twin_make)
    twin.command("report")(twin_report)
    app.add_typer(twin, name="twin")
    stack = _group("MLflow, every API, monitoring and the dashboard on this machine, as plain processes.")
    for verb in (demo.run, demo.up, demo.down, demo.table):
        stack.command()(verb)
    app.add_typer(stack, name="demo")
    return app


def _group(text: str) -> typer.Typer:
    return typer.Typer(help=text, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
