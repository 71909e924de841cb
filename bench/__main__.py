"""`python -m bench`, which `make bench` runs."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Literal

import typer

from bench.flow import Order, bench
from portfolio import terminal

Part = Literal["serving", "journal", "stages", "scoring", "memory"]


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Few short rounds; docs/benchmarks.md stays.")] = False,
    only: Annotated[Part | None, typer.Option(help="One part alone; docs/benchmarks.md stays.")] = None,
) -> None:
    """Measure the services beside their yardsticks and peers, print the figures, and write docs/benchmarks.md."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log every row that is asked about
    order = Order(quick, only or "", tuple(sys.argv[1:]))
    terminal.run(lambda: terminal.output().print(bench(order, terminal.notices().print), markup=False))


typer.run(main)
