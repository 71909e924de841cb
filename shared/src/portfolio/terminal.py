"""What people see of a command: one console for results, one for errors, and one way to end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from typer import Typer
from typer.exceptions import TyperException

from portfolio import logs
from portfolio.errors import PortfolioError
from portfolio.settings import read_settings

USAGE = 64  # EX_USAGE of sysexits.h
FAILED, INTERRUPTED, TERMINATED = 1, 130, 143  # the latter two are what a shell reports after Ctrl-C and after SIGTERM


def output() -> Console:
    """Standard output, wide enough for a table where it isn't a terminal."""
    return Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 200)


def notices() -> Console:
    """Standard error: progress and errors, so that output can be piped."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def tell(error: PortfolioError) -> None:
    """An error as one line with its remedy."""
    notices().print("[bold red]error:[/]", escape(f"{error.detail} {error.remedy}".rstrip()))


def start(app: Typer, arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default this process's own; one that can't be understood ends with the exit code 64.

    Typer would end it with 2, which is what a kept champion and a drift to act on end with.
    """
    try:
        app(arguments)
    except SystemExit as ended:
        if isinstance(ended.__context__, TyperException):
            raise SystemExit(USAGE) from None
        raise


def run(command: Callable[[], int | None], *, failed: int = FAILED) -> NoReturn:
    """Run a command with logging set up; a PortfolioError becomes one line with its remedy and the exit code `failed`.

    Where that is not 1, a traceback ends with it too: 1 then has a meaning of its own.

    SIGTERM ends it as Ctrl-C does, so that what a command cleans up at its end is cleaned up then too.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        settings = read_settings()
        logs.configure(settings.log_level, settings.log_format)
        raise SystemExit(command() or 0)
    except PortfolioError as error:
        tell(error)
        raise SystemExit(failed) from None
    except Exception:
        if failed == FAILED:
            raise
        notices().print_exception()
        raise SystemExit(failed) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
