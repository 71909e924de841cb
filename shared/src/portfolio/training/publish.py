"""The end of a run: what the gate says beside the champion, the registry's entry, and what serving loads."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from portfolio import registry
from portfolio.bundle import Manifest, Scorer, load, read_trust, sign
from portfolio.bundle.keys import SigningKey, read_signing_key
from portfolio.bundle.pointer import Current, read_current, write_current
from portfolio.errors import BundleError
from portfolio.gate import RESAMPLES, Evidence, Overridden, Verdict, judge
from portfolio.logs import logger
from portfolio.measures import Predictions
from portfolio.promotion.flow import make_champion
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec, Rule
from portfolio.training.assemble import Result
from portfolio.training.evaluate import slice_rows
from portfolio.training.plots import draw
from portfolio.training.problem import Problem, predictions

log = logger(__name__)


def compare(
    result: Result, rules: Sequence[Rule | Overridden], settings: Settings, *, bundle: Path, registered: bool
) -> Verdict:
    """Ask the gate about a result beside the champion, re-scored on the same test rows, which neither trained on."""
    spec, problem = result.spec, result.problem
    champion = _champion(spec, settings, registered=registered)
    evidence = Evidence(
        kind=spec.task.kind,
        truth=problem.test.truth,
        groups=problem.test.groups,
        candidate=result.evaluation.predicted,
        champion=_rescored(champion, problem) if champion else None,
        slices=slice_rows(spec, problem.test),
        facts={
            "megabytes": sum(path.stat().st_size for path in bundle.iterdir()) / 1e6,
            "parity": result.parity.largest_difference,
        },
        label_coverage=1.0,  # a row without a label was refused before the split
        resamples=max(RESAMPLES, problem.config.bootstrap),
        seed=problem.config.seed,
    )
    return judge(rules, evidence, floors_advise=result.rows.file.dataset.synthetic)


@dataclass(frozen=True)
class Published:
    """Where a result stands. `unsigned`: it would be `live`, had there been a private key to sign it with."""

    registered: RegisteredVersion | None
    live: bool = False
    unsigned: bool = False


def publish(bundle: Path, manifest: Manifest, verdict: Verdict, settings: Settings, *, register: bool) -> Published:
    """Register (where asked) and let serving load the bundle (where verdict, registry and key allow)."""
    registered = _register(manifest, bundle, verdict, settings) if register else None
    if verdict.decision != "promote":
        return Published(registered)
    key = read_signing_key(settings.signing_key_file)
    vacant = registered is None or registry.champion(manifest.name, settings) is None
    if key and vacant:
        _go_live(bundle, manifest, registered, key=key, settings=settings)
    elif registered:
        registry.point(settings, registered, registry.CHALLENGER)
    return Published(registered, live=key is not None and vacant, unsigned=key is None and vacant)


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


def _champion(spec: ModelSpec, settings: Settings, *, registered: bool) -> Scorer | None:
    """The registry's champion where it is asked, else what `models/current` names; None where it can't be scored."""
    trust = read_trust(settings)
    try:
        if not registered:
            current = read_current(spec.root / "models" / "current")
            return load(spec.root / "models" / current.bundle, spec, trust) if current else None
        version = registry.champion(spec.name, settings)
        if version is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return load(registry.download(version, Path(folder) / "champion", settings), spec, trust)
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
        tags = {"verdict": verdict.decision, "verdict_failed": orjson.dumps(verdict.failed).decode()}
        return registry.register(settings, manifest, bundle=bundle, plots=Path(folder), tags=tags)


def _go_live(
    bundle: Path, manifest: Manifest, registered: RegisteredVersion | None, *, key: SigningKey, settings: Settings
) -> None:
    sign(bundle, key)
    if registered:
        make_champion(registered, bundle, key=key, settings=settings)
    current = Current(
        bundle=bundle.name,
        model_version=registered.version if registered else manifest.version,
        source="local",
        since=manifest.created,
    )
    write_current(bundle.parent / "current", current)
