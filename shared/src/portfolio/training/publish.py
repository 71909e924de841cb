"""The end of a run: what the gate says beside the champion, the registry's entry, and what serving loads."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

import orjson

from portfolio import registry
from portfolio.bundle import Manifest, Scorer, load
from portfolio.bundle.pointer import Current, read_current, write_current
from portfolio.errors import BundleError
from portfolio.gate import Evidence, Verdict, judge
from portfolio.logs import logger
from portfolio.measures import Predictions
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.training.assemble import Result
from portfolio.training.plots import draw
from portfolio.training.problem import Problem, predictions

log = logger(__name__)


def compare(result: Result, settings: Settings | None) -> Verdict:
    """Ask the gate about a result beside the champion, re-scored on the same test rows, which neither trained on."""
    spec, problem = result.spec, result.problem
    champion = _champion(spec, settings)
    evidence = Evidence(
        kind=spec.task.kind,
        truth=problem.test.truth,
        groups=problem.test.groups,
        candidate=result.evaluation.predicted,
        champion=_rescored(champion, problem) if champion else None,
        resamples=problem.config.bootstrap,
        seed=problem.config.seed,
    )
    return judge(spec.rules, evidence, floors_advise=result.rows.file.dataset.synthetic)


def publish(
    spec: ModelSpec, bundle: Path, manifest: Manifest, verdict: Verdict, settings: Settings | None
) -> tuple[RegisteredVersion | None, bool]:
    """Register (where asked) and let serving load the bundle (where the verdict and an empty throne allow)."""
    registered = _register(manifest, bundle, verdict, settings) if settings else None
    live = verdict.decision == "promote"
    if registered and settings and live:
        live = _take_alias(registered, settings) == registry.CHAMPION
    if live:
        current = Current(
            bundle=bundle.name,
            model_version=registered.version if registered else manifest.version,
            source="local",
            since=manifest.created,
        )
        write_current(spec.root / "models" / "current", current)
    return registered, live


def record(models: Path, manifest: Manifest, verdict: Verdict) -> None:
    """Write `models/metrics.json`: the last run's figures, for people and for data version control."""
    figures = {
        "version": manifest.version,
        "data": manifest.data.label,
        "metrics": {who: {k: e.value for k, e in reading.items()} for who, reading in manifest.metrics.items()},
        "verdict": asdict(verdict),
    }
    part = models / ".metrics.json.part"
    part.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    part.replace(models / "metrics.json")


def _champion(spec: ModelSpec, settings: Settings | None) -> Scorer | None:
    """The registry's champion where it is asked, else what `models/current` names; None where it can't be scored."""
    try:
        if settings is None:
            current = read_current(spec.root / "models" / "current")
            return load(spec.root / "models" / current.bundle, spec) if current else None
        version = registry.champion(spec.name, settings)
        if version is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return load(registry.download(version, Path(folder) / "champion", settings), spec)
    except BundleError as error:
        # a champion that can't be scored can't serve either: it must not keep its successor out
        log.warning("champion can't be scored, so rules against it don't apply", reason=str(error))
        return None


def _rescored(champion: Scorer, problem: Problem) -> Predictions:
    manifest = champion.manifest
    answers = champion.answers(champion.margins(problem.test.frame))
    return predictions(problem.task, answers, threshold=manifest.threshold, interval=manifest.interval)


def _register(manifest: Manifest, bundle: Path, verdict: Verdict, settings: Settings) -> RegisteredVersion:
    with tempfile.TemporaryDirectory() as folder:
        draw(manifest, Path(folder))
        (Path(folder) / "verdict.json").write_bytes(orjson.dumps(asdict(verdict), option=orjson.OPT_INDENT_2))
        return registry.register(
            settings, manifest, bundle=bundle, plots=Path(folder), tags={"verdict": verdict.decision}
        )


def _take_alias(version: RegisteredVersion, settings: Settings) -> str:
    alias = registry.CHALLENGER if registry.champion(version.name, settings) else registry.CHAMPION
    registry.point(settings, version, alias)
    return alias
