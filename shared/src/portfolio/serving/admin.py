"""`/admin/*`: for who has the key, and closed where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from anyio import CapacityLimiter
from pydantic import SecretStr

from portfolio.errors import NotReloaded, RegistryError
from portfolio.serving.board import Attempt, Board, Failure, Notice
from portfolio.serving.key import admit
from portfolio.serving.resolve import wanted
from portfolio.serving.service import Service

PATIENCE = 30.0
STEP = 0.02
LOOK_AT = "`last_failure` of /model/info and the log tell more."


@dataclass(frozen=True)
class Admin:
    """What the key opens. One reload at a time."""

    service: Service
    key: SecretStr
    one: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    def admit(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raise NotAdmitted unless the request brings the key."""
        admit(headers, self.key)

    def reload(self) -> dict[str, Any]:
        """Follow the registry and the pointers now, and wait for every worker; blocks.

        Raises NotReloaded (409: refused, 503: not in time), RegistryError, or ModelNotAvailable where there is none.
        """
        began = time.monotonic()
        deadline = began + PATIENCE
        old = self.service.live.state.model
        if self.service.board.followed:
            _poll_registry(self.service.board, deadline)
        workers = self._wait_for_workers(deadline)
        return {
            "old": old.current.model_version if old else None,
            "new": self.service.live.require().current.model_version,
            "seconds": round(time.monotonic() - began, 3),
            "workers": workers,
        }

    def _wait_for_workers(self, deadline: float) -> int:
        """How many workers have looked and serve what the pointers name."""
        asked = time.monotonic()
        self.service.board.ask_workers()
        while time.monotonic() < deadline:
            notices = self.service.board.notices()
            if notices and all(notice.looked >= asked for notice in notices) and self._all_serve(notices):
                return len(notices)
            time.sleep(STEP)
        raise NotReloaded("Not every worker serves the new version yet.", remedy=LOOK_AT)

    def _all_serve(self, notices: Iterable[Notice]) -> bool:
        named = wanted(self.service.spec)
        if named is None:
            return True  # nothing is named any more: what is live stays
        bundle, current = named
        for failure in (notice.failure for notice in notices):
            if failure and (failure.bundle, failure.model_version) == (current.bundle, current.model_version):
                raise _refused(failure)
        return all((notice.bundle, notice.model_version) == (str(bundle), current.model_version) for notice in notices)


def _poll_registry(board: Board, deadline: float) -> None:
    """Have the sidecar ask the registry now, and wait until what that brings is named."""
    asked = time.monotonic()
    if not board.ring():
        raise NotReloaded("The sidecar does not run; it is being started again.", remedy="Try again in some seconds.")
    while time.monotonic() < deadline:
        attempt = board.attempt()
        if attempt and attempt.began >= asked:
            return _check(attempt)
        time.sleep(STEP)
    raise NotReloaded("The champion was not fetched in time; the sidecar goes on with it.", remedy=LOOK_AT)


def _check(attempt: Attempt) -> None:
    if attempt.outcome == "away":
        raise RegistryError(attempt.detail)
    if attempt.outcome == "failed" and attempt.failure:
        raise _refused(attempt.failure)


def _refused(failure: Failure) -> NotReloaded:
    if failure.stage == "download":
        return NotReloaded(f"Version {failure.model_version} was not fetched: {failure.detail}", remedy=LOOK_AT)
    return NotReloaded(f"Version {failure.model_version} is refused: {failure.detail}", remedy=LOOK_AT, status=409)
