"""The score command: options in, progress, a summary and an exit code out."""

from __future__ import annotations

import time
from functools import partial

from rich.markup import escape
from rich.table import Table

from portfolio import terminal
from portfolio.batch.cluster import on_ray
from portfolio.batch.flow import Engine, score
from portfolio.batch.job import EngineName
from portfolio.batch.join import Summary
from portfolio.batch.plan import Order
from portfolio.batch.processes import cores, on_processes
from portfolio.batch.progress import shown
from portfolio.batch.worker import KEPT
from portfolio.errors import DataError

REFUSED = 3
REASONS = 10


def run_scoring(order: Order, engine: Engine) -> int:
    """Score, and say what came of it; returns the exit code: 0, or 3 where rows were refused."""
    began = time.monotonic()
    try:
        with shown() as watch:
            summary = score(order, engine, watch)
    except OSError as error:
        raise DataError(f"{error.filename or order.output}: {error.strerror or error}.", remedy=KEPT) from None
    _summarise(summary, watch.scored, time.monotonic() - began)
    return REFUSED if summary.refused else 0


def engine_of(name: EngineName, *, workers: int | None, ray_address: str | None) -> Engine:
    """The engine that the options name."""
    if name == "ray" or ray_address:
        return partial(on_ray, address=ray_address)
    return partial(on_processes, most=workers or cores())


def _summarise(summary: Summary, now: int, seconds: float) -> None:
    """`now` are the rows that were scored in these seconds; an earlier run may have scored the others."""
    console, scored = terminal.output(), summary.rows - summary.refused
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("model", f"{summary.job.project} {summary.job.model_version}")
    share = "" if now == scored else f", {now:,} of them now,"
    rate = f"{now / seconds:,.0f} a second"
    table.add_row("scored", f"{scored:,} of {summary.rows:,} rows{share} in {seconds:,.1f} s ({rate})")
    table.add_row("output", escape(summary.job.output))
    if summary.rejected:
        table.add_row("refused", f"[yellow]{summary.refused:,}[/] rows, listed in {escape(str(summary.rejected))}")
    for reason, count in sorted(summary.reasons.items(), key=lambda item: -item[1])[:REASONS]:
        table.add_row("", f"{count:,} x {escape(reason)}")
    console.print(table)
