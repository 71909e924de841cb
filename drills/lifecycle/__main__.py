"""`python -m drills.lifecycle`, which `make drill-lifecycle` runs."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from drills.claims import show
from drills.lifecycle.flow import Pace, drill
from drills.lifecycle.place import prepare
from portfolio import terminal

FULL, SHORT = Pace(poll=5, outage=15), Pace(poll=1, outage=3)


def main(
    short: Annotated[bool, typer.Option("--short", help="The sidecar looks every second, not every 5.")] = False,
) -> None:
    """Promote, roll back, tamper and take the registry away under constant load. Exit code 1: a claim does not hold."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log every question to the API
    terminal.run(lambda: run(SHORT if short else FULL))


def run(pace: Pace) -> int:
    """Tell the story with its times, then show every claim; the folder with the logs stays where one does not hold."""
    console, began = terminal.output(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    console.print(f"the drill's own files are in {folder}", markup=False)
    place = prepare(folder, poll_seconds=pace.poll)
    found = drill(place, pace, lambda text: console.print(f"{time.monotonic() - began:6.1f} s  {text}", markup=False))
    show(found)
    if not all(check.holds for check in found):
        console.print(f"logs: {folder}/*.log", markup=False)
        return terminal.FAILED
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    typer.run(main)
