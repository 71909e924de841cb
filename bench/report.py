"""docs/benchmarks.md: the goals, the figures, and the conditions they hold under."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.conditions import Conditions
from bench.figures import Spread, spread
from bench.footprint import Footprint
from bench.goals import Goal, quotient
from bench.load import Round
from bench.scoring import Scored, Stages
from bench.serving import CONNECTIONS, Effort, Measured

INTRODUCTION = """Written by `make bench`, all figures from one run on one machine; only the ratios are worth comparing
with another. A figure is the median of the rounds with [the lowest, the highest]; a ratio is taken round by round, so
that what slows down a whole round slows down both its sides. Times include the load generator's.
"""
METHOD = """Every server has one core, the load generator (wrk, one thread, keep-alive) another one. The shipper,
which brings the service's predictions into its store, has the latter, too. All servers are up through the whole run;
those that are not measured are paused (SIGSTOP), as a peer that polls would take time from the others.
Rounds are interleaved, each time in another order, first all with one connection, then all with {most}: a server that
learns from its load is not asked to forget it. Before each round one answer is checked by its value and {warm:g} s of
load go unmeasured; a round with any answer other than 2xx, or with none, ends the run. A round is {seconds:g} s,
and there are {rounds}. All are asked about the same row in the JSON their protocol wants.

The peers serve one scikit-learn pipeline (`ColumnTransformer`, `OneHotEncoder(handle_unknown="ignore")`,
`LGBMClassifier`, one thread) with the bundle's features, parameters and training rows. Its probabilities are the
bundle's within {difference:.1e} over all test rows; the service answers the calibrated ones. Each peer is used as its
documentation shows, in an environment of its own, locked in `bench/peers/`; access logs are off, and uvicorn has uvloop
and httptools everywhere. Of documented settings the fastest on one core was taken: see
[the decision](decisions/0007-benchmarks.md).
"""
KEEPING = """The same service with its journal and without, in {rounds} short rounds by turns, as the machine drifts by
more than they differ. The journal's side has all of its cost: the worker's write before each answer, and the shipper,
which empties the journal on the load generator's core meanwhile.
"""
BATCHING = """
Generated rows: each column drawn from the project's data on its own. `portfolio score` (CSV to CSV, {cores} processes)
takes turns with one script of pandas and scikit-learn (`bench/peers/pandas/score.py`: pyarrow reader, all cores for the
trees) that writes the same columns; both are timed from start to end of their process. The service's stages are those
of one process on one core (`bench/timed_score.py`); the model's part of the whole run is its time there by the
number of cores. LightGBM's own predict has all cores and the matrix that its trees see.
"""


@dataclass(frozen=True)
class Results:
    """Everything that one run found; a part that was left out is None."""

    conditions: Conditions
    effort: Effort
    quick: bool
    difference: float
    goals: list[Goal] = field(default_factory=list)
    serving: list[Measured] | None = None
    kept: list[Measured] | None = None
    stages: dict[str, dict[int, float]] | None = None
    scored: Scored | None = None
    footprint: Footprint | None = None


def render(results: Results, *, warm: float) -> str:
    """The whole page in Markdown."""
    parts = ["# Benchmarks", "A quick run, for trying out: these figures mean little.\n" if results.quick else ""]
    parts += [INTRODUCTION, "## Goals", goals_table(results.goals)]
    if results.serving:
        method = METHOD.format(
            most=CONNECTIONS[-1],
            warm=warm,
            seconds=results.effort.seconds,
            rounds=results.effort.rounds,
            difference=results.difference,
        )
        parts += ["## One prediction over HTTP", method, serving_table(results.serving), commands(results.serving)]
    if results.kept:
        rounds = len(next(iter(results.kept[0].rounds.values())))
        parts += ["## Keeping predictions", KEEPING.format(rounds=rounds), journal_table(results.kept)]
    if results.stages:
        parts += ["## One prediction in process", stages_table(results.stages)]
    if results.scored:
        parts += ["## Batch scoring", BATCHING.format(cores=results.scored.cores), scoring_table(results.scored)]
    if results.footprint:
        parts += ["## Memory and start-up", footprint_table(results.footprint)]
    parts += ["## Conditions", table(("", ""), [(name, value) for name, value in results.conditions.items()])]
    return "\n".join(part for part in parts if part)


def goals_table(goals: Sequence[Goal]) -> str:
    """Reached or not, by the median."""
    rows = []
    for goal in goals:
        sign = "<=" if goal.most else ">="
        found = "not measured" if goal.measured is None else f"{shown(goal.measured, _plain)} {goal.unit}"
        rows.append(
            (goal.what, f"{sign} {goal.limit:g} {goal.unit}", found, "reached" if goal.reached else "NOT reached")
        )
    return table(("what", "goal", "measured", ""), rows)


def serving_table(measured: Sequence[Measured]) -> str:
    """Throughput, latencies, and how often the service's throughput is each one's."""
    by_name = {one.server.name: one for one in measured}
    rows = []
    for connections in CONNECTIONS:
        for one in measured:
            rounds = one.rounds[connections]
            times = quotient(by_name, "/predict", one.server.name, connections)
            rows.append((one.server.name, str(connections), *_latencies(rounds), shown(times, _plain)))
    return table(("", "c", "requests/s", "p50 ms", "p99 ms", "/predict is x times this"), rows)


def journal_table(measured: Sequence[Measured]) -> str:
    """Throughput and latencies of the application, with its journal and without."""
    rows = [
        (one.server.name, one.server.how, str(c), *_latencies(found))
        for one in measured
        for c, found in one.rounds.items()
    ]
    return table(("", "started as", "c", "requests/s", "p50 ms", "p99 ms"), rows)


def commands(measured: Sequence[Measured]) -> str:
    """How each was started, and what it holds."""
    rows = [
        (
            one.server.name,
            one.server.how,
            f"{one.memory / 1e6:,.0f}",
            f"{one.ready_seconds:.1f}",
            f"{one.difference:.0e}",
        )
        for one in measured
    ]
    return table(("", "started as", "memory MB", "ready s", "largest difference"), rows)


def stages_table(stages: dict[str, dict[int, float]]) -> str:
    """Microseconds a row."""
    sizes = list(next(iter(stages.values())))
    rows = [(stage, *(f"{by_size[size]:.2f}" for size in sizes)) for stage, by_size in stages.items()]
    return table(("microseconds a row", *(f"{size} together" for size in sizes)), rows)


def scoring_table(scored: Scored) -> str:
    """Whole runs, their parts, and the stages."""
    rows, many = scored.sizes.rows, scored.sizes.many
    pairs = [
        ("CSV to CSV, whole", scored.ours, scored.reference),
        ("everything but the model", scored.ours_rest, scored.reference_rest),
        ("the same without starting and joining", scored.ours_steps, scored.reference_steps),
        ("the model", scored.ours_model, [stages["model"] for stages in scored.reference_stages]),
    ]
    whole = [(what, _rate(rows, mine), _rate(rows, other)) for what, mine, other in pairs]
    whole.append(("LightGBM's own predict", "", shown(spread(scored.trees), _thousands)))
    head = (f"rows/s of {rows:,} rows", "portfolio score", "pandas + scikit-learn")
    return "\n".join(
        (
            table(head, whole),
            table(
                ("seconds by stage", "", ""),
                _stage_rows("portfolio, one core", scored.ours_stages)
                + _stage_rows("pandas + scikit-learn", scored.reference_stages),
            ),
            f"{many:,} rows: {many / scored.memory_seconds:,.0f} rows/s, peak memory of all its processes "
            f"{scored.memory / 1e6:,.0f} MB.\n",
        )
    )


def footprint_table(found: Footprint) -> str:
    """After a second of load; started on all cores, the bundle on disk, without MLflow."""

    def row(what: str, held: list[float], seconds: list[float]) -> tuple[str, str, str]:
        return what, shown(spread([one / 1e6 for one in held]), _thousands), shown(spread(seconds), _plain)

    rows = [
        row("a worker (resident set)", found.worker_bytes, found.worker_seconds),
        row("the whole service (proportional set)", found.service_bytes, found.service_seconds),
    ]
    return table(("", "memory MB", "first right answer after s"), rows)


def shown(measured: Spread, form: Callable[[float], str]) -> str:
    """The median, with [lowest, highest] where they differ."""
    if measured.low == measured.high:
        return form(measured.median)
    return f"{form(measured.median)} [{form(measured.low)}, {form(measured.high)}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _latencies(rounds: Sequence[Round]) -> tuple[str, str, str]:
    throughput = shown(spread([one.throughput for one in rounds]), _thousands)
    p50, p99 = spread([one.p50 * 1e3 for one in rounds]), spread([one.p99 * 1e3 for one in rounds])
    return throughput, shown(p50, _plain), shown(p99, _plain)


def _stage_rows(who: str, rounds: Sequence[Stages]) -> list[tuple[str, str, str]]:
    return [(who, stage, shown(spread([one[stage] for one in rounds]), _plain)) for stage in rounds[0]]


def _rate(rows: int, seconds: Sequence[float]) -> str:
    return shown(spread([rows / one for one in seconds]), _thousands)


def _thousands(value: float) -> str:
    return f"{value:,.0f}"


def _plain(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
