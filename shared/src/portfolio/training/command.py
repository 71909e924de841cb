"""The training command, with its progress and its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from portfolio import registry, store, terminal
from portfolio.bundle.keys import read_signing_key
from portfolio.errors import PortfolioError
from portfolio.gate.table import table_of
from portfolio.options import DataPath, Demo, Quick, Register
from portfolio.settings import Effort, Settings, read_config, read_settings
from portfolio.spec import ModelSpec
from portfolio.training.card import headline
from portfolio.training.flow import Order, Trained, train
from portfolio.training.search import Progress

KEPT, BLOCKED = 2, 3


def training_command(spec: ModelSpec) -> Callable[[], None]:
    """A project's `main`: parse the arguments, train, show what came of it."""

    def command(
        data_path: DataPath = None, register_model: Register = None, demo: Demo = False, quick: Quick = False
    ) -> None:
        terminal.run(
            lambda: run_training(
                spec, effort=effort_of(demo=demo, quick=quick), data_path=data_path, register=register_model
            )
        )

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=f"Train {spec.name} ({spec.title.lower()}).")(command)
    return lambda: terminal.start(app)


def effort_of(*, demo: bool, quick: bool) -> Effort:
    """The budget that the flags ask for; the shorter one where both are set."""
    return "quick" if quick else "demo" if demo else "full"


def run_trainings(specs: Sequence[ModelSpec], *, effort: Effort, data_path: Path | None, register: bool | None) -> int:
    """Train one project after the other, whatever becomes of each; returns 1 where one failed, else as below."""
    codes = {0}
    for spec in specs:
        try:
            codes.add(run_training(spec, effort=effort, data_path=data_path, register=register))
        except PortfolioError as error:
            terminal.tell(error)
            codes.add(terminal.FAILED)
    return terminal.FAILED if terminal.FAILED in codes else max(codes)


def run_training(spec: ModelSpec, *, effort: Effort, data_path: Path | None, register: bool | None) -> int:
    """Train one project, print the outcome; returns 0, 2 where the champion is kept, 3 where the gate blocked."""
    settings = read_settings()
    if register:
        registry.require(settings)
    known = register if register is not None else registry.reachable(settings)
    check_ready(settings, registered=known)
    order = Order(datetime.now(UTC), effort, data_path, known)
    trained = _show_progress(spec, order, settings.patient())
    _summarise(trained, settings)
    return {"promote": 0, "keep": KEPT, "block": BLOCKED}[trained.verdict.decision]


def check_ready(settings: Settings, *, registered: bool) -> None:
    """Raise ConfigError or StoreError for what would keep the model from being promoted, before it takes minutes."""
    if read_signing_key(settings.signing_key_file) and registered:
        store.prepare(settings)


def _show_progress(spec: ModelSpec, order: Order, settings: Settings) -> Trained:
    config = read_config(spec.root / "configs" / "config.yaml")
    console = terminal.notices()
    if not console.is_terminal:
        return train(spec, order, config, settings, _lines(spec.name))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(f"{spec.name}: reading", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{spec.name}: {what}", completed=done, total=total)

        return train(spec, order, config, settings, progress)


def _lines(name: str) -> Progress:
    console = terminal.notices()
    return lambda what, done, total: console.print(f"{name}: {what} {done}/{total}")


def _summarise(trained: Trained, settings: Settings) -> None:
    console, manifest, registered = terminal.output(), trained.manifest, trained.published.registered
    console.print(f"[bold]{manifest.name}[/] {manifest.version}: {manifest.family}, {headline(manifest)}")
    console.print(f"data: {manifest.data.label}, {manifest.data.rows:,} rows, {manifest.data.refused:,} refused")
    for breach in trained.refused.breaches:
        console.print(f"  {breach}; listed in {trained.bad_rows}", markup=False)
    console.print(table_of(trained.verdict))
    where = (
        f"version {registered.version} at {settings.registry_address}" if registered else "no (not asked, or no MLflow)"
    )
    console.print(f"registered: {where}")
    console.print(f"verdict: [bold]{trained.verdict.decision}[/]; {escape(_standing(trained, settings))}")


def _standing(trained: Trained, settings: Settings) -> str:
    published = trained.published
    if published.unsigned:
        return (
            f"no private key at {settings.signing_key_file} to sign it with, so it is not served; {_way_out(trained)}"
        )
    if published.live and published.registered is None and _cache(trained).exists():
        return "models/current names it; the cached champion is served first"
    if published.live:
        return "it is what serving loads"
    if trained.verdict.decision == "keep":
        return "the champion stays"
    return "the champion stays, this is the challenger" if trained.verdict.decision == "promote" else "it is not served"


def _way_out(trained: Trained) -> str:
    """How to promote what this run could not sign."""
    if registered := trained.published.registered:
        return f"where the key is: portfolio promote {registered.name} --version {registered.version}"
    return "`make keys` makes one, then train again"


def _cache(trained: Trained) -> Path:
    return trained.bundle.parents[1] / "cache" / "current"
