"""What was aimed at, beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import journal
from bench.figures import Spread, ratio, spread
from bench.footprint import Footprint
from bench.scoring import Scored
from bench.serving import Measured

SERVICE, ECHO, TYPED = "/predict", "raw ASGI echo", "FastAPI, empty typed endpoint"


@dataclass(frozen=True)
class Goal:
    """A figure and its limit; `most` says that less is better. What was not measured was not reached."""

    what: str
    limit: float
    measured: Spread | None
    most: bool = False
    unit: str = "x"

    @property
    def reached(self) -> bool:
        """By the median."""
        if self.measured is None:
            return False
        return self.measured.median <= self.limit if self.most else self.measured.median >= self.limit


def serving_goals(measured: Sequence[Measured]) -> list[Goal]:
    """Of /predict beside its yardsticks and its peers."""
    by_name = {one.server.name: one for one in measured}
    peers = [one for one in measured if one.server.kind == "peer"]
    plain = [one for one in peers if not one.server.batches]
    rounds = by_name[SERVICE].rounds[1]
    goals = [
        Goal("throughput, c = 16, beside a raw ASGI echo", 0.55, quotient(by_name, SERVICE, ECHO, 16)),
        Goal("throughput, c = 16, beside FastAPI's empty typed endpoint", 1.6, quotient(by_name, SERVICE, TYPED, 16)),
        Goal("p99 beside p50, c = 1", 3, ratio([r.p99 for r in rounds], [r.p50 for r in rounds]), most=True),
    ]
    for peer in plain:
        name = peer.server.name
        goals.append(Goal(f"throughput, c = 16, beside {name}", 60, quotient(by_name, SERVICE, name, 16)))
    for limit, connections, among, what in (
        (15, 16, [one for one in peers if one.server.batches], "the best batching peer"),
        (20, 1, peers, "the best peer"),
    ):
        name = fastest(among, connections)
        measure = quotient(by_name, SERVICE, name, connections)
        goals.append(Goal(f"throughput, c = {connections}, beside {what} ({name})", limit, measure))
    return goals


def journal_goals(pairs: Sequence[Measured]) -> list[Goal]:
    """Of /predict with its journal beside the same without."""
    by_name = {one.server.name: one for one in pairs}
    what = "throughput, c = 16, with the journal beside without"
    return [Goal(what, 0.9, quotient(by_name, journal.KEEPING, journal.KEEPING_NOTHING, 16))]


def scoring_goals(scored: Scored) -> list[Goal]:
    """Of batch scoring."""
    return [
        Goal("CSV to CSV beside pandas and scikit-learn", 2, ratio(scored.reference, scored.ours)),
        Goal("everything but the model, beside the same", 4, ratio(scored.reference_rest, scored.ours_rest)),
        Goal("the model beside LightGBM's own predict", 1, ratio(scored.ours_trees, scored.trees)),
        Goal(
            f"peak memory, {scored.sizes.many:,} generated rows",
            1000,
            spread([scored.memory / 1e6]),
            most=True,
            unit="MB",
        ),
    ]


def footprint_goals(found: Footprint) -> list[Goal]:
    """Of memory and start-up."""
    worker = spread([held / 1e6 for held in found.worker_bytes])
    return [
        Goal("a worker's resident memory", 130, worker, most=True, unit="MB"),
        Goal("the service ready after its start", 3, spread(found.service_seconds), most=True, unit="s"),
    ]


def quotient(by_name: dict[str, Measured], ours: str, theirs: str, connections: int) -> Spread:
    """Throughput beside throughput, round by round."""
    mine, other = by_name[ours].rounds[connections], by_name[theirs].rounds[connections]
    return ratio([one.throughput for one in mine], [one.throughput for one in other])


def fastest(among: Sequence[Measured], connections: int) -> str:
    """The name of the one with the highest median throughput."""
    return max(among, key=lambda one: spread([r.throughput for r in one.rounds[connections]]).median).server.name
