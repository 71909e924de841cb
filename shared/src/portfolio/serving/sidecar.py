"""`python -m portfolio.serving.sidecar PROJECT CACHE PARENT`: follow the registry's champion for a service.

It asks MLflow plainly, and leaves what takes memory to a fork of itself that ends: idle it holds 45 MB instead of 176.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from portfolio import logs, registry
from portfolio.errors import RegistryError
from portfolio.pointer import point_at_champion
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import Attempt, Board, Failure, Mark, Reason, Stage, mark
from portfolio.serving.parent import end_with
from portfolio.settings import Settings, read_settings

AWAY_SECONDS = 15.0  # the longest wait between two questions to a registry that is away; asking costs it little
AGAIN_SECONDS, AGAIN_AT_MOST = 60.0, 3600.0  # until a version that failed is tried again, doubled each time
FETCH_SECONDS = 600.0
NEVER = Attempt(began=-1.0, outcome="vacant")
FORK = multiprocessing.get_context("fork")  # a new interpreter would import for longer than a rollback may take

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

    `recall` makes one live that needs no bringing, and says whether it could. `last` is how it went before; times are
    monotonic seconds.
    """

    def __init__(
        self,
        ask: Callable[[], RegisteredVersion | None],
        bring: Callable[[RegisteredVersion], Failure | None],
        pointer: Path,
        *,
        recall: Callable[[RegisteredVersion], bool] = lambda _: False,
        ill: Callable[[], bool] = lambda: False,
        last: Attempt = NEVER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._bring, self._pointer, self._clock = ask, bring, pointer, clock
        self._recall, self._ill, self._last = recall, ill, last
        self._tried: Tried | None = None
        self._misses = 0

    def poll(self, *, now: bool = False) -> Attempt:
        """One look at the registry. `now` tries even a version that failed a moment ago, and recalls where it can."""
        attempt = self._attempt(self._clock(), now=now)
        away = attempt.outcome == "away"
        if away and not self._misses:
            log.warning("MLflow is away, the cache stays", reason=attempt.detail)
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
            return replace(self._last, began=began, outcome="away", detail=str(error))
        if champion is None:
            return replace(self._last, began=began, outcome="vacant", detail="")
        tried = self._tried if self._tried and self._tried.champion == champion else None
        if tried and tried.pointer == mark(self._pointer) and not tried.is_due(self._clock(), ill=self._ill(), now=now):
            return replace(tried.attempt, began=began)
        if now and self._recall(champion):  # the next look brings it all the same, and so checks what is on disk
            return replace(self._last, began=began, outcome="followed", detail="")
        return self._try(champion, began, tried.failed if tried else 0)

    def _try(self, champion: RegisteredVersion, began: float, failed: int) -> Attempt:
        failure = self._bring(champion)
        again = min(AGAIN_SECONDS * 2.0 ** min(failed, 16), AGAIN_AT_MOST)
        attempt = replace(self._last, began=began, outcome="followed", detail="")
        if failure:
            log.error(
                "the champion is not made live",
                model_version=champion.version,
                stage=failure.stage,
                reason=failure.detail,
                again_seconds=again,
            )
            failures = _counted(attempt.failures, failure)
            attempt = replace(attempt, outcome="failed", failure=failure, failures=failures)
        failed = failed + 1 if failure else 0
        self._tried = Tried(champion, attempt, mark(self._pointer), failed, self._clock() + again)
        return attempt


def _counted(failures: Mapping[Stage, Mapping[Reason, int]], one: Failure) -> dict[Stage, Mapping[Reason, int]]:
    reasons = failures.get(one.stage, {})
    return {**failures, one.stage: {**reasons, one.reason: reasons.get(one.reason, 0) + 1}}


def follow(follower: Follower, board: Board, seconds: float) -> NoReturn:
    """Look every so many seconds and whenever the bell rings; report what is new, or was asked for."""
    reported, rang = NEVER, False
    while True:
        attempt = follower.poll(now=rang)
        if rang or replace(attempt, began=reported.began) != reported:
            board.report(attempt)
            reported = attempt
        rang = board.listen(follower.wait(seconds))


def recall(board: Board, cache: Path, champion: RegisteredVersion) -> bool:
    """Point at a cached version that every worker has in memory, verified: a rollback has nothing to read."""
    bundle, notices = cache / champion.bundle_version, board.notices()
    held = {notice.held.get(str(bundle), "") for notice in notices}
    if not champion.bundle_sha256 or held != {champion.bundle_sha256} or not bundle.is_dir():
        return False
    try:
        point_at_champion(cache / "current", champion.bundle_version, champion.version)
    except OSError:  # bringing it will tell
        return False
    return True


def bring(name: str, settings: Settings, champion: RegisteredVersion) -> Failure | None:
    """Have a process fetch the champion; one that dies or hangs has failed."""
    answer, sender = FORK.Pipe(duplex=False)
    fetching = FORK.Process(target=_fetch, args=(name, settings, champion, os.getpid(), sender))
    fetching.start()
    sender.close()  # the process has the other one: when it ends, the answer does
    failed = partial(Failure, champion.version, champion.bundle_version, "download", "unavailable")
    with answer:
        try:
            if answer.poll(FETCH_SECONDS):
                said: Failure | None = answer.recv()
                return said
            fetching.kill()
            return failed(f"It took longer than {FETCH_SECONDS:.0f} s.")
        except EOFError:
            fetching.join()
            return failed(f"Fetching ended with exit code {fetching.exitcode}; the log above tells why.")
        finally:
            fetching.join()


def _fetch(name: str, settings: Settings, champion: RegisteredVersion, parent: int, sender: Connection) -> None:
    end_with(parent)
    from portfolio.serving import fetch  # numpy, onnxruntime and MLflow's client

    sender.send(fetch.follow(name, champion, settings))


def main() -> None:
    """Follow the champion of the project that the command line names."""
    name, cache, parent = sys.argv[1:]
    end_with(int(parent))
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    board = Board.of_this_service()
    follower = Follower(
        partial(registry.champion, name, settings),
        partial(bring, name, settings),
        Path(cache) / "current",
        recall=partial(recall, board, Path(cache)),
        ill=lambda: any(notice.failure for notice in board.notices()),
        last=board.attempt() or NEVER,
    )
    follow(follower, board, settings.registry_poll_seconds)


if __name__ == "__main__":
    main()
