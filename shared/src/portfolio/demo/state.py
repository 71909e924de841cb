"""What the demo has started, on disk: another command, or the next start, finds and stops it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from portfolio.demo.errors import DemoError
from portfolio.demo.groups import Group, alive

BOOT = Path("/proc/sys/kernel/random/boot_id")


class State(BaseModel):
    """`boot` names the start of the machine in which the pids mean something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    boot: str
    groups: tuple[Group, ...]


def folder_of(root: Path) -> Path:
    """Where state and logs lie; ignored by git."""
    return root / ".demo"


def log_of(root: Path, name: str) -> Path:
    """The log of a service."""
    return folder_of(root) / "logs" / f"{name}.log"


def remember(root: Path, groups: Sequence[Group]) -> None:
    """Replace what is known of a running demo, in one step; nothing running, no file."""
    path = _path(root)
    if not groups:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(State(boot=_boot(), groups=tuple(groups)).model_dump_json(indent=2), encoding="utf-8")
    part.replace(path)


def recall(root: Path) -> tuple[Group, ...]:
    """What was started and still runs, in the order of its start."""
    path = _path(root)
    try:
        state = State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except ValidationError:
        remedy = "Delete it; what it should name and still runs shows as a taken port at the next start."
        raise DemoError(f"{path} can't be read.", remedy=remedy) from None
    return alive(state.groups) if state.boot == _boot() else ()


def _path(root: Path) -> Path:
    return folder_of(root) / "state.json"


def _boot() -> str:
    return BOOT.read_text().strip() if BOOT.is_file() else ""
