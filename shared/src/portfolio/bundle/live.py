"""The bundle that a project's pointers lead to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from portfolio.bundle.store import pin
from portfolio.bundle.trust import Trust
from portfolio.errors import BundleError, ModelNotAvailable
from portfolio.pointer import pointers, read_current
from portfolio.spec import ModelSpec


class LiveBundle(NamedTuple):
    """A trusted bundle that a pointer names. `digest` is that of its manifest: the very same can be asked for again."""

    folder: Path
    model_version: str
    digest: str


def live_bundle(spec: ModelSpec, trust: Trust) -> LiveBundle:
    """The first good bundle that a pointer names.

    Raises ModelNotAvailable where no pointer names one, BundleError where those that are named are not fit.
    """
    refused: BundleError | None = None
    for pointer in pointers(spec.root):
        current = read_current(pointer)
        if current is None:
            continue
        bundle = pointer.parent / current.bundle
        try:
            _, digest = pin(bundle, trust)
        except BundleError as error:
            refused = refused or error
            continue
        return LiveBundle(bundle, current.model_version, digest)
    raise refused or ModelNotAvailable(
        f"There is no model of {spec.name}.", remedy=f"Train one: make train PROJECT={spec.name}."
    )
