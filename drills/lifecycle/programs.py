"""The programs of the drill: MLflow and the API by their lines of the Procfile, and the load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from drills.lifecycle.errors import DrillError
from drills.lifecycle.place import ROOT, Place
from portfolio import registry
from portfolio.demo.procfile import Service
from portfolio.spec import ModelSpec

START_SECONDS, STOP_SECONDS = 90.0, 20.0
Program = subprocess.Popen[bytes]


@contextmanager
def mlflow(place: Place) -> Iterator[Program]:
    """The registry, once it answers, until the block ends."""
    with _running(place, place.mlflow) as program:
        _wait(place.mlflow, program, lambda: registry.reachable(place.settings))
        yield program


@contextmanager
def api(place: Place, healthy: Callable[[], bool]) -> Iterator[Program]:
    """The API, once it is healthy, until the block ends."""
    with _running(place, place.api) as program:
        _wait(place.api, program, healthy)
        yield program


@contextmanager
def load(place: Place, spec: ModelSpec, answers: Path) -> Iterator[Program]:
    """Constant load on the API from a process of its own, until the block ends."""
    row = {name: field.examples[0] for name, field in spec.request.model_fields.items() if field.examples}
    arguments = [str(place.api.port), json.dumps(row), str(answers)]
    with _started(place, "load", [sys.executable, "-m", "drills.lifecycle.load", *arguments], cwd=ROOT) as program:
        yield program


def kill(program: Program) -> None:
    """End a program and its children without a warning."""
    os.killpg(program.pid, signal.SIGKILL)
    program.wait(STOP_SECONDS)


def _running(place: Place, service: Service) -> AbstractContextManager[Program]:
    return _started(place, service.name, ["/bin/sh", "-c", service.command], cwd=place.folder)


@contextmanager
def _started(place: Place, name: str, command: Sequence[str], *, cwd: Path) -> Iterator[Program]:
    """A program in a session of its own, whose log is NAME.log."""
    with (place.folder / f"{name}.log").open("ab") as log:
        program = subprocess.Popen(
            command,
            cwd=cwd,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield program
    finally:
        _stop(program)


def _stop(program: Program) -> None:
    if program.poll() is not None:
        return
    program.terminate()
    try:
        program.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        kill(program)


def _wait(service: Service, program: Program, up: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not up():
        if program.poll() is not None or time.monotonic() > deadline:
            raise DrillError(f"{service.name} did not come up.", remedy=f"Its log is {service.name}.log.")
        time.sleep(0.2)
