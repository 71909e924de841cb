"""`portfolio monitor`: what a run found, as tables and reasons, and an exit code to act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from portfolio import terminal
from portfolio.errors import ConfigError, PortfolioError
from portfolio.monitoring.flow import Order, monitor
from portfolio.predictions.inbox import read_inbox
from portfolio.settings import Settings, read_config, read_settings
from portfolio.spec import ModelSpec
from portfolio.store import MonitoringRun

EXIT_CODES = {"ok": 0, "watch": 1, "retrain": 2, "roll back": 2, "unknown": 3}
COULD_NOT = 3
SHORTEST, LONGEST = 0.001, 3650
GRAVEST = (2, COULD_NOT, 1, 0)
COLOURS = {"ok": "green", "watch": "yellow", "act": "bold red", "unknown": "yellow"}
COLOURS |= {"retrain": "bold red", "roll back": "bold red"}


def run_monitoring(specs: Sequence[ModelSpec], *, days: float | None) -> int:
    """Judge each project by its predictions; one that can't be judged keeps no other from it.

    Returns the gravest exit code: 0 ok, 1 watch, 2 act (retrain or roll back), 3 could not judge. Raises ConfigError
    for days that nobody can mean.
    """
    settings, codes = read_settings(), []
    days = settings.monitoring_days if days is None else days
    if not SHORTEST <= days <= LONGEST:
        raise ConfigError(f"{days:g} days can't be looked at.", remedy=f"From {SHORTEST:g} to {LONGEST:,} days can.")
    _take_labels(settings)
    for spec in specs:
        try:
            codes.append(_run(spec, settings, days))
        except PortfolioError as error:
            terminal.tell(error)
            codes.append(COULD_NOT)
    return min(codes, key=GRAVEST.index)


def _take_labels(settings: Settings) -> None:
    """What people appended to the inbox, and labels that came before their predictions did."""
    try:
        taken = read_inbox(settings)
    except PortfolioError as error:  # the models are judged by the labels that are there
        terminal.tell(error)
        return
    if taken.refused:
        terminal.notices().print(f"{taken.refused} labels were not recorded; they are in {taken.file}", markup=False)


def _run(spec: ModelSpec, settings: Settings, days: float) -> int:
    order = Order(now=datetime.now(UTC), days=days)
    run = monitor(spec, order, read_config(spec.root / "configs" / "config.yaml"), settings)
    _show(run, spec, settings)
    return EXIT_CODES[run.decision]


def _show(run: MonitoringRun, spec: ModelSpec, settings: Settings) -> None:
    console = terminal.output()
    console.print(f"[bold]{run.project}[/]: [{COLOURS[run.decision]}]{run.decision}[/]")
    for reason in run.reasons:
        console.print(f"  {reason}", markup=False)
    console.print(f"{run.rows:,} predictions, {run.labelled:,} labelled, of {run.since:%Y-%m-%d %H:%M} to", end=" ")
    console.print(f"{run.until:%Y-%m-%d %H:%M} UTC; model {run.model_version} ({run.bundle})", markup=False)
    if "drift" not in run.findings:
        return
    console.print(_drift(run.findings["drift"]))
    for line in _performance(run.findings, spec.task.kind):
        console.print(line, markup=False)
    if run.report:
        console.print(f"report: {settings.drift_reports / run.report}", markup=False)


def _drift(drifts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("column", box=None, padding=(0, 2, 0, 0))
    for name in ("PSI", "by chance", "test", "p", "wasserstein", "missing before", "missing now"):
        table.add_column(name, justify="right")
    table.add_column("state")
    for drift in drifts:
        apart = [_figure(drift[name], ".3f") for name in ("p_value", "wasserstein")]
        missing = [f"{drift[name]:.1%}" for name in ("missing_reference", "missing")]
        cells = [f"{drift['psi']:.3f}", f"{drift['by_chance']:.3f}", drift["test"], *apart, *missing]
        table.add_row(escape(drift["feature"]), *cells, f"[{COLOURS[drift['state']]}]{drift['state']}[/]")
    return table


def _performance(found: Mapping[str, Any], kind: str) -> Iterator[str]:
    real, estimated, hits = found["performance"], found["estimate"], found["hit_rate"]
    if real:
        share = f"{real['coverage']:.0%} of this version's predictions"
        yield f"performance: {real['state']}, from {real['labelled']:,} labels ({share})"
        yield from _metrics(real["metrics"])
    else:
        yield "performance: no label has come for this version's predictions"
    if estimated:
        yield "estimated without labels (CBPE):"
        yield from _metrics(estimated["metrics"])
    elif kind == "binary":
        yield "estimated: nothing, as so few rows, or such sure ones, would have labels of one outcome alone"
    else:
        yield "estimated: not for amounts, which wait for their labels"
    if hits:
        yield f"bands that held the truth once labels came: {hits['hits']} of {hits['of']}"


def _metrics(metrics: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, each in metrics.items():
        test = _figure(each["reference"], ".4g")
        yield f"  {name} {each['value']:.4g} [{each['low']:.4g}, {each['high']:.4g}], on the test rows {test}"


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
