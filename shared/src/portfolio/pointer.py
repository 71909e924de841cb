"""Pointer files (`models/current`, `cache/current`): which bundle is live, replaced in one step."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A bundle comes from elsewhere and names the folder it is put into: it may not lead out of it."""


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


def point_at_champion(path: Path, bundle: str, model_version: str) -> None:
    """Let the pointer name the registry's champion from now on; one that it names already keeps its time."""
    before = read_current(path)
    if before is None or (before.bundle, before.model_version) != (bundle, model_version):
        since = datetime.now(UTC).isoformat(timespec="seconds")
        before = Current(bundle=bundle, model_version=model_version, source="registry", since=since)
    write_current(path, before)  # in any case: whoever could not load it looks again, it may have been mended
