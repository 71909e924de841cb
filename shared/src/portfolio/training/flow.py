"""One training run, from a data file to a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portfolio.bundle import ANYONE, Manifest, verify
from portfolio.data import source, split, table
from portfolio.data.rules import Report
from portfolio.gate import Verdict, judge, overridden
from portfolio.settings import Config, Effort, Settings
from portfolio.spec import ANY_MODEL, ModelSpec
from portfolio.training.assemble import Result, complete, draft
from portfolio.training.evaluate import measure, refit
from portfolio.training.evidence import find_champion, gather
from portfolio.training.export import to_onnx
from portfolio.training.parity import check_parity
from portfolio.training.problem import pose
from portfolio.training.publish import Published, publish, record
from portfolio.training.search import Progress, search

BAD_ROWS = "bad_rows.csv"
"""Beside the models: the rows that the last data file was refused for, or that were left out."""


@dataclass(frozen=True)
class Order:
    """What is asked of a run. `register`: whether the registry shall know of it."""

    now: datetime
    effort: Effort = "full"
    data_path: Path | None = None
    register: bool = False


@dataclass(frozen=True)
class Trained:
    """What came of it. `refused` are the rows left out for breaking a rule, listed in the file `bad_rows`."""

    bundle: Path
    refused: Report
    bad_rows: Path
    manifest: Manifest
    verdict: Verdict
    published: Published


def train(spec: ModelSpec, order: Order, config: Config, settings: Settings, progress: Progress) -> Trained:
    """Train a project's model. Raises DataError, BundleError or RegistryError; nothing half-written stays."""
    models = spec.root / "models"
    training, rules = config.training, overridden((*ANY_MODEL, *spec.rules), config.gate.overrides)

    bad_rows = models / BAD_ROWS
    file = source.find(spec, named=order.data_path, mirror=settings.data_mirror)
    rows = table.load(spec, file, max_bad_rows=training.max_bad_rows, bad_rows_path=bad_rows)
    problem = pose(spec, rows, training, salt=split.SALT)
    found = search(problem, training.budgets[order.effort], progress)
    fitted = refit(problem, found.winner)
    evaluation = measure(spec, problem, fitted)
    graph = to_onnx(fitted.model, problem.encoder)
    parity = check_parity(graph, fitted.model, problem)
    result = Result(spec, rows, problem, fitted, evaluation, graph, parity, config.card, repeatable=not found.braked)
    with draft(result, models, now=order.now) as drafted:
        evidence = gather(drafted, result, find_champion(spec, settings, registered=order.register), now=order.now)
        verdict = judge(rules, evidence, floors_advise=file.dataset.synthetic)
        bundle = complete(drafted, verdict)
    manifest = verify(bundle, ANYONE)
    published = publish(bundle, manifest, verdict, settings, register=order.register)
    record(models, manifest, verdict)
    return Trained(bundle, rows.refused, bad_rows, manifest, verdict, published)
