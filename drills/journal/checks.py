"""What the drill must show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drills.claims import Check
from drills.journal.answers import Answers, Kept, good, pace
from drills.journal.load import RATE

LEAST = 0.9
"""Of the rate: what is asked at once is asked a little late now and then."""
DRAINED_SECONDS = 120.0
"""Within which a store that is back must have the backlog."""


@dataclass(frozen=True)
class Outage:
    """The answers from the moment on when the store was stopped; when it was back, when nothing waited any more.

    Times are monotonic seconds. `store_up` is what the metric said at the end of the outage.
    """

    answers: Answers
    begun: float
    back: float
    drained: float
    store_up: float


def killed(kept: Kept, kills: int, pace: float) -> list[Check]:
    """Every prediction whose answer reached the client is in the store, once; `pace` is the load, a second."""
    missing, doubled = f"{kept.missing} of {kept.seen:,}", str(kept.doubled)
    more = f"{kept.unseen} of {kept.stored:,}"
    return [
        _load("load before the kills", pace),
        Check(f"answers that are missing in the store, after {kills} kills", missing, "0", kept.missing == 0),
        Check("predictions that are in the store twice", doubled, "0", kept.doubled == 0),
        Check("predictions that no client saw: killed on their way", more, "told", holds=True),
    ]


def taken_away(outage: Outage) -> list[Check]:
    """Nobody notices, and afterwards the store has it all."""
    failed = len(outage.answers) - len(good(outage.answers))
    mean = pace(outage.answers, since=outage.begun, until=outage.back)
    away, drain = outage.back - outage.begun, outage.drained - outage.back
    return [
        Check(
            f"requests that failed while the store was away {away:.0f} s",
            f"{failed} of {len(outage.answers):,}",
            "0",
            failed == 0,
        ),
        _load("load meanwhile", mean),
        Check("the metrics told", f"journal_store_up {outage.store_up:g}", "0", outage.store_up == 0),
        Check("backlog drained, under load", f"{drain:.1f} s", f"<= {DRAINED_SECONDS:.0f} s", drain <= DRAINED_SECONDS),
    ]


def nothing_lost(figures: Mapping[str, float]) -> Check:
    """By the service's own count, since its last start."""
    lost = sum(value for name, value in figures.items() if name.startswith("journal_lost_total"))
    return Check("predictions that the journal counts as lost", f"{lost:.0f}", "0", lost == 0)


def _load(what: str, pace: float) -> Check:
    return Check(what, f"{pace:,.0f} a second", f">= {LEAST * RATE:,.0f}", pace >= LEAST * RATE)
