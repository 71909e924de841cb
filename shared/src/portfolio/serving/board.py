"""What the processes of one service tell each other: files in a folder of their own, each replaced in one step.

A worker posts what it serves, the sidecar posts how its last attempt went, and whoever is asked to reload has all look
again. An application without a service around it, as in a test, keeps the same to itself.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson

from portfolio.errors import Fault
from portfolio.serving.watched import Watched

FOLDER = "PORTFOLIO_SERVICE"
"""Environment variable by which `serve` tells its processes the folder."""
SUFFIX, ATTEMPT, SHIPMENT, WATCHED, RELOAD, WAKE = ".notice", "attempt", "shipment", "watched", "reload", "wake"

Outcome = Literal["followed", "vacant", "away", "failed"]
Stage = Literal["download", "verify", "load"]
Reason = Literal[Fault, "unavailable"]
Mark = tuple[int, int] | None
"""Tells one content of a file from the next: a replaced file is another inode."""


@dataclass(frozen=True)
class Failure:
    """A version that did not go live: how far it came, why in one word, and in a sentence."""

    model_version: str
    bundle: str
    stage: Stage
    reason: Reason
    detail: str
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


@dataclass(frozen=True)
class Notice:
    """What a worker serves. `looked` is when its last look at the pointers began, on the clock that all share.

    `held` are the bundles in its memory: folder to the sha256 of `bundle.json` that it verified.
    """

    pid: int
    started: str
    looked: float
    name: str
    model_version: str | None = None
    bundle: str | None = None
    data: str = ""
    held: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True)
class Attempt:
    """How the sidecar's look at the registry went: done; no champion; no answer, `detail` says why; not brought.

    `failure` is the last one, `failures` counts them by stage and reason since the service started.
    """

    began: float
    outcome: Outcome
    failure: Failure | None = None
    detail: str = ""
    failures: Mapping[Stage, Mapping[Reason, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shipment:
    """How far the shipper is: `stored` are the bytes of each segment that the store has.

    `shipped` counts predictions, `torn` and `damaged` records, since the service started; `reached` says whether the
    store took what came last.
    """

    stored: Mapping[str, int] = field(default_factory=dict)
    shipped: int = 0
    torn: int = 0
    damaged: int = 0
    reached: bool = True


Said = TypeVar("Said", Notice, Attempt)


class Board:
    """One side of the conversation. Without a folder there is one worker and no sidecar."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._own: Notice | None = None
        self._watched: Watched | None = None
        self._asked = 0
        self._bell: int | None = None

    @classmethod
    def of_this_service(cls) -> Board:
        """The board that the environment names."""
        folder = os.environ.get(FOLDER)
        return cls(Path(folder) if folder else None)

    def post(self, notice: Notice) -> None:
        """Say what this worker serves."""
        self._own = notice
        if self.folder:
            _write(self.folder / f"{notice.pid}{SUFFIX}", asdict(notice))

    def notices(self) -> list[Notice]:
        """What the workers that live have posted."""
        if self.folder is None:
            return [self._own] if self._own else []
        said = [_read(file) for file in sorted(self.folder.glob(f"*{SUFFIX}"))]
        notices = [_said(Notice, each) for each in said if each]
        return [notice for notice in notices if start_time(notice.pid) == notice.started]

    def report(self, attempt: Attempt) -> None:
        """Say how the sidecar's attempt went."""
        assert self.folder is not None
        _write(self.folder / ATTEMPT, asdict(attempt))

    def attempt(self) -> Attempt | None:
        """How the sidecar's last attempt went; None before the first and without a sidecar."""
        said = _read(self.folder / ATTEMPT) if self.folder else None
        return _said(Attempt, said) if said else None

    def post_shipment(self, shipment: Shipment) -> None:
        """Say how far the shipper is."""
        assert self.folder is not None
        _write(self.folder / SHIPMENT, asdict(shipment))

    def shipment(self) -> Shipment | None:
        """How far the shipper is; None without one."""
        said = _read(self.folder / SHIPMENT) if self.folder else None
        return Shipment(**said) if said else None

    def tell(self, watched: Watched) -> None:
        """Say what the store has."""
        self._watched = watched
        if self.folder:
            _write(self.folder / WATCHED, asdict(watched))

    def watched(self) -> Watched | None:
        """What the store has, as far as this service knows; None where nobody has looked."""
        if self.folder is None:
            return self._watched
        said = _read(self.folder / WATCHED)
        return Watched(**said) if said else None

    def ask_workers(self) -> None:
        """Have every worker look at the pointers anew."""
        if self.folder:
            _write(self.folder / RELOAD, time.monotonic_ns())
        self._asked += 1

    def asked(self) -> Mark:
        """Changes when the workers are asked to look."""
        return mark(self.folder / RELOAD) if self.folder else (0, self._asked)

    def hang_bell(self) -> None:
        """Make it possible to wake the sidecar; without a bell there is none."""
        assert self.folder is not None
        os.mkfifo(self.folder / WAKE, 0o600)

    @property
    def followed(self) -> bool:
        """Whether a sidecar follows the registry for this service."""
        return self.folder is not None and (self.folder / WAKE).exists()

    def ring(self) -> bool:
        """Wake the sidecar; whether it is there."""
        assert self.folder is not None
        try:
            bell = os.open(self.folder / WAKE, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody listens
            return False
        with suppress(BlockingIOError):  # it was rung thousands of times and will hear it
            os.write(bell, b"!")
        os.close(bell)
        return True

    def listen(self, seconds: float) -> bool:
        """Sleep so long, or until the bell rings; whether it rang."""
        assert self.folder is not None
        if self._bell is None:  # for writing too, so that it never reads as closed
            self._bell = os.open(self.folder / WAKE, os.O_RDWR | os.O_NONBLOCK)
        if not select.select([self._bell], [], [], seconds)[0]:
            return False
        os.read(self._bell, 65536)
        return True


def mark(path: Path) -> Mark:
    """What changes when the file is replaced; None where it can't be read."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def start_time(pid: int) -> str:
    """When a process started, in the system's own unit, as an id may come back; empty where it runs no more."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]


def _write(path: Path, content: object) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(orjson.dumps(content))
    part.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return content


def _said(kind: type[Said], content: dict[str, Any]) -> Said:
    failure = content.pop("failure")
    return kind(**content, failure=Failure(**failure) if failure else None)
