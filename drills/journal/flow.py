"""The drill: the service is killed under load again and again, its store taken away; then what is where is compared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from drills.claims import Check
from drills.journal import checks
from drills.journal.answers import Answers, compare, good, read, stored
from drills.journal.database import Database
from drills.journal.service import Service, load, until
from drills.lifecycle.errors import DrillError
from drills.lifecycle.place import PROJECT, Place

BEHIND_SECONDS = 3.0
"""Under load a store is always a moment behind: nothing waits where the oldest prediction is younger."""
DRAIN_SECONDS = 300.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How often the service is killed, after how many seconds of load each time, and how long the store stays away."""

    kills: int
    between: float
    outage: float


def drill(place: Place, size: Size, say: Say) -> list[Check]:
    """Live it all, then judge. Raises DrillError where it could not be lived to its end."""
    bodies = _train(place)
    with ExitStack() as stack:
        database = stack.enter_context(Database(place.mlflow.port, place.folder / "postgresql.log"))
        place = replace(place, environment={**place.environment, "DATABASE_URL": database.address})
        service, file = Service(place), place.folder / "answers"
        stack.callback(service.stop)
        service.start()
        say("the API serves, its store is PostgreSQL")
        with load(place, bodies, file):
            pace = _kill(service, file, size, say)
            outage = _take_away(service, database, file, size, say)
        waited = until(lambda: service.figures()["journal_bytes"] == 0, "predictions wait", patience=DRAIN_SECONDS)
        say(f"the load has ended; {waited:.1f} s later nothing waits")
        kept = compare(read(file), stored(database.address))
        figures = service.figures()
    return [*checks.killed(kept, size.kills, pace), *checks.taken_away(outage), checks.nothing_lost(figures)]


def _train(place: Place) -> str:
    """Make a model; the rows that the load asks about, as JSON."""
    ended = place.command("train", PROJECT, "--quick")
    found = [*place.project.glob("models/*/bundle.json")]
    if not found:
        raise DrillError(f"A training ended with exit code {ended.code}.", remedy=ended.said[-2000:])
    golden = json.loads(found[0].read_text(encoding="utf-8"))["golden"]
    return json.dumps([row["request"] for row in golden])


def _kill(service: Service, file: Path, size: Size, say: Say) -> float:
    """Kill everything of the service, let it come back, again and again; returns the answers a second before it."""
    total = 0
    for number in range(size.kills):
        before = len(good(read(file)))
        time.sleep(size.between)
        service.kill()
        served = len(good(read(file))) - before
        service.start()
        say(f"killed {number + 1} of {size.kills} times, after {served:,} answers in {size.between:g} s")
        if not served:
            raise DrillError("There was no load before a kill.", remedy="Its log is load.log.")
        total += served
    return total / (size.kills * size.between)


def _take_away(service: Service, database: Database, file: Path, size: Size, say: Say) -> checks.Outage:
    """Stop the store under load, start it again, and wait until it has what was answered meanwhile."""
    time.sleep(size.between)
    begun = time.monotonic()
    database.stop()
    say("PostgreSQL is stopped")
    time.sleep(size.outage)
    waiting = service.figures()
    database.start()
    back = time.monotonic()
    say(f"PostgreSQL is back; {waiting['journal_bytes'] / 1e6:.1f} MB wait")

    def drained() -> bool:
        return service.figures()["journal_oldest_seconds"] < BEHIND_SECONDS

    seconds = until(drained, "the backlog is not drained", patience=DRAIN_SECONDS)
    time.sleep(size.between)
    say(f"{seconds:.1f} s later nothing older than {BEHIND_SECONDS:g} s waits, under load")
    answers: Answers = read(file)
    during = answers[answers["received"] >= begun]
    return checks.Outage(during, begun, back, back + seconds, waiting["journal_store_up"])
