"""Bundles on disk: sealed once with the sha256 of every file, signed, verified before anything in them is parsed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import orjson
from pydantic import ValidationError

from portfolio.bundle.files import (
    MANIFEST,
    SIGNATURE,
    altered,
    check_pin,
    differing,
    digests,
    manifest_digest,
    read_sealed,
)
from portfolio.bundle.keys import SigningKey
from portfolio.bundle.manifest import Manifest, fingerprint
from portfolio.bundle.scorer import Scorer, open_session
from portfolio.bundle.signature import write_signature
from portfolio.bundle.trust import ANYONE, Trust, compare
from portfolio.data.frames import frame_of
from portfolio.errors import BundleError
from portfolio.logs import logger
from portfolio.spec import ModelSpec

RETRAIN = "Train it anew, or use another version."

log = logger(__name__)


def seal(directory: Path, manifest: Manifest) -> Manifest:
    """Write `bundle.json` last, with the sha256 of every file that is there."""
    files = {name: digest for name, digest in digests(directory).items() if name != MANIFEST}
    sealed = manifest.model_copy(update={"files": files})
    (directory / MANIFEST).write_bytes(orjson.dumps(sealed.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
    return sealed


def sign(directory: Path, key: SigningKey) -> None:
    """Answer with a key for a sealed bundle as it is on disk: write `model.sig`."""
    manifest = verify(directory, ANYONE)
    subject = f"{manifest.name}:{manifest.version}"
    content = write_signature({**manifest.files, MANIFEST: manifest_digest(directory)}, subject=subject, key=key)
    part = directory.with_name(f".{directory.name}.{os.getpid()}.sig.part")  # beside it: inside it would be a file more
    part.write_bytes(content)
    part.replace(directory / SIGNATURE)


def vouch(directory: Path, spec: ModelSpec, *, key: SigningKey, trust: Trust) -> Manifest:
    """Sign a bundle that others made, once it is proven whole and fit. Raises BundleError.

    A signature by a key that is unknown here is replaced; one that does not fit its files tells of tampering.
    """
    try:
        verify(directory, trust)
    except BundleError as refused:
        if refused.reason not in ("unsigned", "unknown_key"):
            raise
    manifest = load(directory, spec, ANYONE).manifest
    sign(directory, key)
    return manifest


def verify(directory: Path, trust: Trust | None, *, pinned: str = "") -> Manifest:
    """Check who signed, then the sha256 of every file, and only then parse the manifest.

    `pinned` is the sha256 that `bundle.json` must have. Raises BundleError, which names the file.
    """
    check_pin(directory, pinned)
    statement = trust.statement(directory) if trust else None
    found = digests(directory)
    if statement:
        compare(directory, found, statement)
    manifest = _read_manifest(directory, pinned or found[MANIFEST])
    del found[MANIFEST]
    if wrong := differing(found, manifest.files):
        raise altered(directory, "not as it was sealed", wrong)
    return manifest


def pin(directory: Path, trust: Trust | None) -> tuple[Manifest, str]:
    """A verified bundle's manifest and the digest by which the very same can be asked for again; raises BundleError."""
    digest = manifest_digest(directory)
    return verify(directory, trust, pinned=digest), digest


def load(directory: Path, spec: ModelSpec, trust: Trust | None, *, pinned: str = "") -> Scorer:
    """A verified bundle whose golden rows score as they did when it was made; raises BundleError otherwise."""
    manifest = verify(directory, trust, pinned=pinned)
    if trust and trust.allow_unsigned and not (directory / SIGNATURE).exists():
        log.warning("unsigned bundle accepted", bundle=str(directory), reason="ALLOW_UNSIGNED is set")
    if manifest.name != spec.name:
        raise BundleError(f"{directory} is a model of {manifest.name}, not of {spec.name}.")
    graph = read_sealed(directory, "model.onnx", manifest.files.get("model.onnx"))
    try:
        scorer = Scorer(spec, manifest, directory, open_session(graph))
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


def _read_manifest(directory: Path, digest: str) -> Manifest:
    try:
        return Manifest.model_validate_json(read_sealed(directory, MANIFEST, digest))
    except ValidationError as error:
        raise BundleError(f"{directory / MANIFEST} is not a manifest of format 1: {error}", remedy=RETRAIN) from None
