"""Bundles on disk: sealed once with the sha256 of every file, verified before anything in them is parsed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import orjson
from pydantic import ValidationError

from portfolio.bundle.manifest import Manifest, fingerprint
from portfolio.bundle.scorer import Scorer, open_session
from portfolio.data.frames import frame_of
from portfolio.errors import BundleError
from portfolio.spec import ModelSpec

MANIFEST = "bundle.json"
UNSEALED = frozenset({MANIFEST, "registered_model_meta"})
"""Files without a digest: the manifest itself, and the note that MLflow's loader leaves in what it downloads."""
RETRAIN = "Train it anew, or use another version."


def seal(directory: Path, manifest: Manifest) -> Manifest:
    """Write `bundle.json` last, with the sha256 of every file that is there."""
    sealed = manifest.model_copy(update={"files": _digests(directory)})
    (directory / MANIFEST).write_bytes(orjson.dumps(sealed.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
    return sealed


def verify(directory: Path) -> Manifest:
    """Compare every file with the manifest; raise BundleError naming what is missing, altered or too much."""
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    except OSError:
        raise BundleError(f"{directory} holds no {MANIFEST}.", remedy=RETRAIN) from None
    except ValidationError as error:
        raise BundleError(f"{directory / MANIFEST} is not a manifest of format 1: {error}", remedy=RETRAIN) from None
    found = _digests(directory)
    wrong = sorted(name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name))
    if wrong:
        raise BundleError(f"{directory}: not as it was sealed: {', '.join(wrong)}.", remedy=RETRAIN)
    return manifest


def load(directory: Path, spec: ModelSpec) -> Scorer:
    """A verified bundle whose golden rows score as they did when it was made; raises BundleError otherwise."""
    manifest = verify(directory)
    if manifest.name != spec.name:
        raise BundleError(f"{directory} is a model of {manifest.name}, not of {spec.name}.")
    try:
        scorer = Scorer(spec, manifest, directory, open_session((directory / "model.onnx").read_bytes()))
        _check_golden_rows(scorer)
    except BundleError:
        raise
    except Exception as error:  # a graph this runtime can't run, feature code that fails on a golden row: both unfit
        raise BundleError(f"{directory} can't be scored: {error}", remedy=RETRAIN) from error
    return scorer


def _check_golden_rows(scorer: Scorer) -> None:
    golden = scorer.manifest.golden
    try:
        margins = scorer.margins(frame_of([row.request for row in golden], scorer.spec.request.COLUMNS))
    except KeyError as error:
        raise _unfit(scorer, f"the running code makes no feature {error}") from None
    difference = float(np.abs(margins - np.array([row.score for row in golden])).max())
    if not difference <= scorer.manifest.parity.tolerance:
        raise _unfit(scorer, f"a golden row scores {difference:.3g} off")


def _unfit(scorer: Scorer, what: str) -> BundleError:
    same = scorer.manifest.features_fingerprint == fingerprint(scorer.spec)
    code = "the feature code is the one it was trained with" if same else "the feature code has changed since training"
    commit = scorer.manifest.git_commit
    return BundleError(
        f"{scorer.directory}: {what} ({code}).",
        remedy=f"Run the release of commit {commit}, or train with the running code.",
    )


def _digests(directory: Path) -> dict[str, str]:
    paths = sorted(path for path in directory.rglob("*") if path.is_file() and path.name not in UNSEALED)
    return {path.relative_to(directory).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths}
