"""What a prediction's time goes to, in process: microseconds a row of each stage, for one row and for sixteen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from timeit import Timer

import orjson

from bench.model import Model
from portfolio.bundle.scorer import run
from portfolio.data.frames import frame_of
from portfolio.serving.app import build
from portfolio.serving.flow import Asked, predict
from portfolio.serving.resolve import resolve
from portfolio.serving.validate import validate

SIZES = (1, 16)
REPEATS = 7
SECONDS = 0.1


def measure(model: Model) -> dict[str, dict[int, float]]:
    """Microseconds a row by stage and number of rows that are scored together; the least of seven repeats."""
    found: dict[str, dict[int, float]] = {}
    with TemporaryDirectory() as folder:
        for size in SIZES:
            for stage, work in _stages(model, size, Path(folder)).items():
                found.setdefault(stage, {})[size] = _least(work) / size * 1e6
    return found


def _stages(model: Model, size: int, folder: Path) -> dict[str, Callable[[], object]]:
    """Each stage on what the one before it gives."""
    spec, scorer = model.spec, model.scorer
    service = build(spec).shortcut.service
    assert service.journal
    service.journal.folder = folder
    service.live.state = resolve(spec)
    live = service.live.require()
    bodies = [orjson.dumps(row) for row in model.rows[:size]]
    asked = [Asked(body, perf_counter(), "0" * 32) for body in bodies]
    rows = [validate(spec.request, body) for body in bodies]
    frame = frame_of(rows, spec.request.COLUMNS)
    arrays = scorer.arrays(frame)
    outcomes = scorer.outcomes(frame)
    predictions = [live.respond(outcome, "0" * 26) for outcome in outcomes]
    return {
        "validate": lambda: [validate(spec.request, body) for body in bodies],
        "frame": lambda: frame_of(rows, spec.request.COLUMNS),
        "features": lambda: scorer.arrays(frame),
        "score": lambda: run(scorer.session, arrays, "score"),
        "features, score, calibrate, decide": lambda: scorer.outcomes(frame),
        "respond": lambda: [live.respond(outcome, "0" * 26) for outcome in outcomes],
        "serialise": lambda: [orjson.dumps(prediction) for prediction in predictions],
        "all of it: bodies in, bodies out": lambda: predict(service, asked),
    }


def _least(work: Callable[[], object]) -> float:
    timer = Timer(work)
    loops = max(1, int(SECONDS / max(timer.timeit(20) / 20, 1e-7)))
    return min(timer.repeat(REPEATS, loops)) / loops
