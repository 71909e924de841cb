"""`python -m drills.journal`, which `make drill-journal` runs."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from drills.claims import show
from drills.journal.flow import Size, drill
from drills.lifecycle.place import prepare
from portfolio import terminal

FULL, SHORT = Size(kills=10, between=3, outage=120), Size(kills=2, between=2, outage=10)


def main(
    short: Annotated[bool, typer.Option("--short", help="Two kills, and 10 s without the store.")] = False,
) -> None:
    """Kill the API under load, and stop its store. Exit code 1: a claim does not hold."""
    for name in ("httpx2", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)  # it would log every question to the API
    terminal.run(lambda: run(SHORT if short else FULL))


def run(size: Size) -> int:
    """Tell the story with its times, then show every claim; the folder with the logs stays where one does not hold."""
    console, began = terminal.output(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    console.print(f"the drill's own files are in {folder}", markup=False)
    place = prepare(folder, poll_seconds=5)
    place = replace(place, environment={**place.environment, "MLFLOW_TRACKING_URI": ""})
    found = drill(place, size, lambda text: console.print(f"{time.monotonic() - began:6.1f} s  {text}", markup=False))
    show(found)
    if not all(check.holds for check in found):
        console.print(f"logs: {folder}/*.log", markup=False)
        return terminal.FAILED
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    typer.run(main)
