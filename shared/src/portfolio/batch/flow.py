"""One scoring job: its parts, each read, validated, scored and written; then all joined in the input's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from portfolio.batch.folder import folder_of, open_folder
from portfolio.batch.inputs import read
from portfolio.batch.job import Done, Job, Part
from portfolio.batch.join import Summary, join
from portfolio.batch.model import Model
from portfolio.batch.outputs import write_part
from portfolio.batch.parts import cut
from portfolio.batch.plan import Order, plan
from portfolio.batch.progress import Watch
from portfolio.batch.verdicts import validate

Engine = Callable[[Job, Iterator[Part]], Iterator[Done]]
"""Lets `score_part` run on every part, anywhere, in any order."""


def score(order: Order, engine: Engine, watch: Watch) -> Summary:
    """Score files. Raises what `plan` raises, and DataError for what is found while reading."""
    job = plan(order)
    with open_folder(job, notice=watch.notice) as folder:
        finished = folder.finished()
        watch.started(job, finished)
        for done in engine(job, cut(job, folder, finished=finished)):
            watch.finished(done)
        return join(job, order.spec, folder)


def score_part(model: Model, job: Job, part: Part) -> Done:
    """Score one part and put it down."""
    rows, unread = read(job, part, model.spec)
    valid, invalid = validate(rows, model.spec.request)
    scored, unscorable = model.score(valid)
    return folder_of(job).keep(
        part,
        refused=[*unread, *invalid, *unscorable],
        rows=len(rows) + len(unread),
        write=lambda path: write_part(scored, job, model.spec, path),
    )
