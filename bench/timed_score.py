"""`python -m bench.timed_score INPUT OUTPUT`: a scoring job on one core; prints its seconds by stage as JSON."""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import pyarrow as pa

from bench.model import PROJECT
from portfolio.batch.flow import score
from portfolio.batch.folder import folder_of
from portfolio.batch.inputs import read
from portfolio.batch.job import Done, Job, Part
from portfolio.batch.model import Model, open_model
from portfolio.batch.outputs import write_part
from portfolio.batch.plan import Order
from portfolio.batch.progress import shown
from portfolio.batch.verdicts import validate
from portfolio.spec.projects import find_project

Result = TypeVar("Result")


class Clock:
    """Adds up the seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def time(self, stage: str, work: Callable[..., Result], *given: Any) -> Result:
        """Do a stage's work and add its time."""
        begun = perf_counter()
        result = work(*given)
        self.seconds[stage] += perf_counter() - begun  # type: ignore[assignment] # a counter of seconds
        return result


class TimedSession:
    """A graph whose runs are the stage `model`."""

    def __init__(self, session: Any, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def run(self, *given: Any) -> Any:
        """Run the graph."""
        return self._clock.time("model", self._session.run, *given)


def main() -> None:
    """Score as a worker of the local engine does, with a clock beside it."""
    source, output = sys.argv[1:]
    clock = Clock()

    def engine(job: Job, parts: Iterator[Part]) -> Iterator[Done]:
        pa.set_cpu_count(1)
        opened = open_model(job)
        timed = replace(opened.scorer, session=TimedSession(opened.scorer.session, clock))
        gc.disable()
        for part in parts:
            yield _score_part(replace(opened, scorer=timed), job, part, clock)
            gc.collect()

    with shown() as watch:
        score(Order(spec=find_project(PROJECT), source=source, output=Path(output), overwrite=True), engine, watch)
    clock.seconds["features and respond"] -= clock.seconds["model"]  # the graph runs in between
    sys.stdout.write(json.dumps(clock.seconds) + "\n")


def _score_part(model: Model, job: Job, part: Part, clock: Clock) -> Done:
    """`portfolio.batch.flow.score_part`, stage by stage."""
    rows, unread = clock.time("read", read, job, part, model.spec)
    valid, invalid = clock.time("validate", validate, rows, model.spec.request)
    scored, unscorable = clock.time("features and respond", model.score, valid)

    def write(path: Path) -> None:
        clock.time("write", write_part, scored, job, model.spec, path)

    refused = [*unread, *invalid, *unscorable]
    return folder_of(job).keep(part, refused=refused, rows=len(rows) + len(unread), write=write)


if __name__ == "__main__":
    main()
