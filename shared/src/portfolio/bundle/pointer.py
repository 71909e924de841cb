"""Pointer files (`models/current`, `cache/current`): which bundle is live, replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from portfolio.bundle.manifest import FolderName
from portfolio.bundle.store import pin
from portfolio.bundle.trust import Trust
from portfolio.errors import BundleError, ModelNotAvailable
from portfolio.spec import ModelSpec


class Current(BaseModel):
    """`bundle` is a folder beside the pointer; `model_version` the registry's number, or the bundle's own version."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    bundle: FolderName
    model_version: str
    source: Literal["registry", "local"]
    since: str


def pointers(root: Path) -> tuple[Path, Path]:
    """A project's pointers in the order they count: to the cached champion, then to the last promoted local model."""
    return root / "cache" / "current", root / "models" / "current"


def read_current(path: Path) -> Current | None:
    """What the pointer names; None where there is none or it can't be read."""
    try:
        return Current.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_current(path: Path, current: Current) -> None:
    """Replace the pointer; a reader sees the old one or the new one, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(current.model_dump_json(), encoding="utf-8")
    part.replace(path)


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
