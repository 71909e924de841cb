"""`python -m portfolio.serving.sidecar PROJECT CACHE PARENT`: follow the registry's champion for a service.

It asks MLflow plainly, and leaves what takes memory to a process that ends: idle it holds 49 MB instead of 176.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import orjson

from portfolio import logs, registry
from portfolio.errors import RegistryError
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import Attempt, Board, Failure, Mark, Outcome, mark
from portfolio.serving.parent import end_with
from portfolio.settings import read_settings

AWAY_SECONDS = 60.0  # the longest wait between two questions to a registry that does not answer
AGAIN_SECONDS, AGAIN_AT_MOST = 60.0, 3600.0  # until a version that failed is tried again, doubled each time
FETCH_SECONDS = 600.0
NEVER = Attempt(began=-1.0, outcome="vacant")
Brought = tuple[Outcome, str]
"""How a fetch went, and why."""

log = logs.logger("portfolio.serving.sidecar")  # run as a program, its own name is __main__


@dataclass(frozen=True)
class Tried:
    """A champion that needs no work until `again`, as long as the pointer stays as it was left."""

    champion: RegisteredVersion
    attempt: Attempt
    pointer: Mark
    failed: int
    again: float

    def is_due(self, time: float, *, ill: bool, now: bool) -> bool:
        """Whether it failed, here or with a worker, and may be tried again."""
        return (self.failed > 0 or ill) and (now or time > self.again)


class Follower:
    """Asks who is champion and has each brought once, again where a worker is `ill`: could not load what it should.

    `last` is how it went before; times are monotonic seconds.
    """

    def __init__(
        self,
        ask: Callable[[], RegisteredVersion | None],
        bring: Callable[[RegisteredVersion], Brought],
        pointer: Path,
        *,
        ill: Callable[[], bool] = lambda: False,
        last: Attempt = NEVER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._bring, self._pointer, self._ill, self._clock = ask, bring, pointer, ill, clock
        self._last = last
        self._tried: Tried | None = None
        self._misses = 0

    def poll(self, *, now: bool = False) -> Attempt:
        """One look at the registry; `now` tries even a version that failed a moment ago."""
        attempt = self._attempt(self._clock(), now=now)
        away = attempt.outcome == "away"
        if away and not self._misses:
            log.warning("MLflow is away, the cache stays", reason=attempt.reason)
        elif self._misses and not away:
            log.info("MLflow answers again")
        elif attempt.outcome == "vacant" != self._last.outcome:
            log.info("the registry has no champion, the cache stays")
        self._misses = self._misses + 1 if away else 0
        self._last = attempt
        return attempt

    def wait(self, seconds: float) -> float:
        """How long until the next look: about `seconds`, longer while the registry is away."""
        # spread, so that services that were started together don't ask together
        longest = max(seconds, AWAY_SECONDS)
        return min(seconds * 2.0 ** min(self._misses, 16), longest) * random.uniform(0.8, 1.2)

    def _attempt(self, began: float, *, now: bool) -> Attempt:
        try:
            champion = self._ask()
        except RegistryError as error:
            return replace(self._last, began=began, outcome="away", reason=str(error))
        if champion is None:
            return replace(self._last, began=began, outcome="vacant", reason="")
        tried = self._tried if self._tried and self._tried.champion == champion else None
        if tried and tried.pointer == mark(self._pointer) and not tried.is_due(self._clock(), ill=self._ill(), now=now):
            return replace(tried.attempt, began=began)
        return self._try(champion, began, tried.failed if tried else 0)

    def _try(self, champion: RegisteredVersion, began: float, failed: int) -> Attempt:
        outcome, reason = self._bring(champion)
        attempt = replace(self._last, began=began, outcome=outcome, reason=reason)
        again = min(AGAIN_SECONDS * 2.0 ** min(failed, 16), AGAIN_AT_MOST)
        if outcome == "followed":
            failed = 0
        else:
            log.error(
                "the champion is not made live", model_version=champion.version, reason=reason, again_seconds=again
            )
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            failures = {**attempt.failures, outcome: attempt.failures.get(outcome, 0) + 1}
            failure = Failure(champion.bundle_version, champion.version, reason, at)
            attempt, failed = replace(attempt, failure=failure, failures=failures), failed + 1
        self._tried = Tried(champion, attempt, mark(self._pointer), failed, self._clock() + again)
        return attempt


def follow(follower: Follower, board: Board, seconds: float) -> NoReturn:
    """Look every so many seconds and whenever the bell rings; report what is new, or was asked for."""
    reported, rang = NEVER, False
    while True:
        attempt = follower.poll(now=rang)
        if rang or replace(attempt, began=reported.began) != reported:
            board.report(attempt)
            reported = attempt
        rang = board.listen(follower.wait(seconds))


def _bring(name: str, champion: RegisteredVersion) -> Brought:
    asked = orjson.dumps(champion).decode()
    command = [sys.executable, "-m", "portfolio.serving.fetch", name, asked, str(os.getpid())]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=FETCH_SECONDS, check=True
        )
    except subprocess.TimeoutExpired:
        return "download", f"It took longer than {FETCH_SECONDS:.0f} s."
    except subprocess.CalledProcessError as error:
        return "download", f"Fetching ended with exit code {error.returncode}; the log above tells why."
    said = orjson.loads(done.stdout)
    return said["outcome"], said["reason"]


def main() -> None:
    """Follow the champion of the project that the command line names."""
    name, cache, parent = sys.argv[1:]
    end_with(int(parent))
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    board = Board.of_this_service()
    follower = Follower(
        partial(registry.champion, name, settings),
        partial(_bring, name),
        Path(cache) / "current",
        ill=lambda: any(notice.failure for notice in board.notices()),
        last=board.attempt() or NEVER,
    )
    follow(follower, board, settings.registry_poll_seconds)


if __name__ == "__main__":
    main()
