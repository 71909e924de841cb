"""Batch scoring: CSV to CSV beside pandas and scikit-learn, the model beside LightGBM's own predict, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import lightgbm as lgb

from bench import tree
from bench.figures import order
from bench.model import BENCH, PIPELINE, PROJECT, ROOT, Model
from bench.rows import generate
from bench.servers import BIN, PEERS
from portfolio.errors import PortfolioError
from portfolio.training.encoder import Encoder

Say = Callable[[str], None]
Stages = dict[str, float]

REFERENCE = PEERS / "pandas" / "score.py"
TREES_ROWS = 250_000


@dataclass(frozen=True)
class Batch:
    """Sizes of a run: `rows` that are timed `rounds` times, and `many` whose memory is watched."""

    rows: int
    rounds: int
    many: int


@dataclass(frozen=True)
class Scored:
    """Seconds of whole runs, seconds by stage, and rows a second of LightGBM's predict, all by round; peaks in bytes.

    Our stages are those of one process, one thread; the run itself has one process for each of `cores`.
    """

    sizes: Batch
    cores: int
    ours: list[float]
    ours_stages: list[Stages]
    reference: list[float]
    reference_stages: list[Stages]
    trees: list[float]
    memory: int
    memory_seconds: float

    @property
    def ours_model(self) -> list[float]:
        """Seconds of the model in each whole run: its one thread's time shared out among the cores."""
        return [stages["model"] / self.cores for stages in self.ours_stages]

    @property
    def ours_rest(self) -> list[float]:
        """Seconds of everything but the model in each whole run, starting included."""
        return [whole - model for whole, model in zip(self.ours, self.ours_model, strict=True)]

    @property
    def reference_rest(self) -> list[float]:
        """The same of the reference."""
        return [w - stages["model"] for w, stages in zip(self.reference, self.reference_stages, strict=True)]

    @property
    def ours_steps(self) -> list[float]:
        """Seconds of the stages but the model, shared out among the cores: without starting and joining."""
        return [(sum(stages.values()) - stages["model"]) / self.cores for stages in self.ours_stages]

    @property
    def reference_steps(self) -> list[float]:
        """The same of the reference, which works on one core there."""
        return [sum(stages.values()) - stages["model"] for stages in self.reference_stages]

    @property
    def ours_trees(self) -> list[float]:
        """Rows a second of the model."""
        return [self.sizes.rows / seconds for seconds in self.ours_model]


def measure(model: Model, sizes: Batch, say: Say) -> Scored:
    """Generate rows, score them in turns both ways, then many more once for the memory. The files are removed."""
    folder = BENCH / "scoring"
    folder.mkdir(exist_ok=True)
    source, output = folder / "rows.csv", folder / "scores.csv"
    frame, columns = model.problem.train.frame, model.spec.request.COLUMNS
    try:
        generate(frame, columns, source, count=sizes.rows)
        runs = _rounds(model, source, output, sizes, say)
        say(f"scoring {sizes.many:,} rows for the memory they take")
        generate(frame, columns, source, count=sizes.many)
        seconds, peak = _watched(source, output)
    finally:
        for file in (source, output):
            file.unlink(missing_ok=True)
    return Scored(sizes, len(os.sched_getaffinity(0)), *runs, peak, seconds)


def _rounds(
    model: Model, source: Path, output: Path, sizes: Batch, say: Say
) -> tuple[list[float], list[Stages], list[float], list[Stages], list[float]]:
    ours: list[float] = []
    ours_stages: list[Stages] = []
    reference: list[float] = []
    reference_stages: list[Stages] = []
    trees: list[float] = []

    def score() -> None:
        ours.append(_run(_ours(source, output))[0])

    def timed() -> None:
        command = [sys.executable, "-m", "bench.timed_score", str(source), str(output)]
        ours_stages.append(json.loads(_run(command)[1]))

    def refer() -> None:
        command = [sys.executable, str(REFERENCE), str(PIPELINE), str(source), str(output)]
        seconds, printed = _run(command)
        reference.append(seconds)
        reference_stages.append(json.loads(printed))

    def predict() -> None:
        trees.append(_lightgbm(model))

    parts = (score, refer, timed, predict)
    for turn in range(sizes.rounds):
        say(f"batch: round {turn + 1} of {sizes.rounds}")
        for place in order(len(parts), turn):
            parts[place]()
    return ours, ours_stages, reference, reference_stages, trees


def _ours(source: Path, output: Path) -> list[str]:
    command = [str(BIN / "portfolio"), "score", PROJECT, "--input", str(source), "--output", str(output)]
    return [*command, "--overwrite"]


def _run(command: list[str]) -> tuple[float, str]:
    """Seconds from start to end, and the last line that it printed."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(PEERS / "pipeline"), os.environ.get("PYTHONPATH", "")))}
    begun = perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    seconds = perf_counter() - begun
    if done.returncode:
        raise PortfolioError(f"{command[1]} failed with code {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    return seconds, done.stdout.strip().rpartition("\n")[2]


def _watched(source: Path, output: Path) -> tuple[float, int]:
    begun = perf_counter()
    log = BENCH / "scoring" / "log.txt"
    program = tree.start(_ours(source, output), core=None, env={}, folder=ROOT, log=log)
    with tree.watched(program.pid) as peak:
        status = program.wait()
    if status:
        raise PortfolioError(f"portfolio score failed: {log.read_text()[-500:]}")
    return perf_counter() - begun, peak.bytes


def _lightgbm(model: Model) -> float:
    """Rows a second of LightGBM's predict on all cores, on the matrix that its trees see."""
    booster = lgb.Booster(model_file=model.scorer.directory / "booster.txt")
    arrays = model.problem.train.arrays
    encoder: Encoder = model.problem.encoder
    matrix = encoder.encode(arrays)[[row % len(arrays) for row in range(TREES_ROWS)]]
    threads = len(os.sched_getaffinity(0))
    booster.predict(matrix[:1000], raw_score=True, num_threads=threads)
    begun = perf_counter()
    booster.predict(matrix, raw_score=True, num_threads=threads)
    return TREES_ROWS / (perf_counter() - begun)
