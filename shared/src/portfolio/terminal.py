"""What people see of a command: one console for results, one for errors, and one way to end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from rich.console import Console

from portfolio import logs
from portfolio.errors import PortfolioError
from portfolio.settings import Settings


def output() -> Console:
    """Standard output, wide enough for a table where it isn't a terminal."""
    return Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 140)


def notices() -> Console:
    """Standard error: progress and errors, so that output can be piped."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def run(command: Callable[[], int | None]) -> NoReturn:
    """Run a command with logging set up; a PortfolioError becomes one line with its remedy and exit code 1."""
    try:
        settings = Settings()
        logs.configure(settings.log_level, settings.log_format)
        raise SystemExit(command() or 0)
    except PortfolioError as error:
        notices().print(f"[bold red]error:[/] {error.detail} {error.remedy}".rstrip(), markup=True)
        raise SystemExit(1) from None
