"""What the gate is shown: candidate and champion on the same test rows, and the facts of the bundle."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from portfolio import registry
from portfolio.bundle import Scorer, load, read_trust
from portfolio.data.frames import frame_of
from portfolio.errors import BundleError
from portfolio.gate import RESAMPLES, Evidence
from portfolio.logs import logger
from portfolio.measures import Predictions
from portfolio.pointer import read_current
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.training.assemble import Result
from portfolio.training.evaluate import slice_rows
from portfolio.training.problem import Problem, predictions

TIMED_ROWS = 100

log = logger(__name__)


@dataclass(frozen=True)
class Champion:
    """The bundle that serves, and when it was promoted (ISO 8601; empty where nobody has noted it)."""

    scorer: Scorer
    promoted_at: str


def find_champion(spec: ModelSpec, settings: Settings, *, registered: bool) -> Champion | None:
    """The registry's champion where it is asked, else what `models/current` names; None where it can't be scored."""
    try:
        return _registered(spec, settings) if registered else _local(spec, settings)
    except BundleError as error:
        # a champion that can't be scored can't serve either: it must not keep its successor out
        log.warning("champion can't be scored, so rules against it don't apply", reason=str(error))
        return None


def gather(drafted: Scorer, result: Result, champion: Champion | None, *, now: datetime) -> Evidence:
    """All that rules ask for; the champion is scored anew, on test rows that neither has trained on."""
    problem = result.problem
    return Evidence(
        kind=problem.task.kind,
        truth=problem.test.truth,
        groups=problem.test.groups,
        candidate=result.evaluation.predicted,
        champion=_rescored(champion.scorer, problem) if champion else None,
        champion_version=champion.scorer.manifest.version if champion else "",
        slices=slice_rows(result.spec, problem.test) if result.spec.slices else None,
        facts={
            "megabytes": sum(path.stat().st_size for path in drafted.directory.iterdir()) / 1e6,
            "milliseconds": _milliseconds(drafted),
            "parity": result.parity.largest_difference,
        },
        label_coverage=result.rows.label_coverage,
        hours_since_promotion=_hours_since(champion.promoted_at, now) if champion else None,
        resamples=max(RESAMPLES, problem.config.bootstrap),
        seed=problem.config.seed,
    )


def _local(spec: ModelSpec, settings: Settings) -> Champion | None:
    models = spec.root / "models"
    current = read_current(models / "current")
    return Champion(load(models / current.bundle, spec, read_trust(settings)), current.since) if current else None


def _registered(spec: ModelSpec, settings: Settings) -> Champion | None:
    version = registry.champion(spec.name, settings)
    if version is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        bundle = registry.download(version, Path(folder) / "champion", settings)
        return Champion(load(bundle, spec, read_trust(settings)), version.promoted_at)


def _rescored(champion: Scorer, problem: Problem) -> Predictions:
    manifest = champion.manifest
    answers = champion.answers(champion.margins(problem.test.frame))
    return predictions(problem.task, answers, threshold=manifest.threshold, interval=manifest.interval)


def _milliseconds(scorer: Scorer) -> float:
    """Median time from one request to its answer, over golden rows, each alone."""
    seconds = []
    for row in scorer.manifest.golden[:TIMED_ROWS]:
        began = time.perf_counter()
        scorer.answers(scorer.margins(frame_of([row.request], scorer.spec.request.COLUMNS)))
        seconds.append(time.perf_counter() - began)
    return 1000 * float(np.median(seconds))


def _hours_since(moment: str, now: datetime) -> float | None:
    return (now - datetime.fromisoformat(moment)).total_seconds() / 3600 if moment else None
