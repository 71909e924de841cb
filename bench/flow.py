"""One bench run: conditions, model, serving, stages, batch scoring, memory, goals, report."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from bench import footprint, journal, scoring, serving, stages
from bench.conditions import conditions
from bench.goals import footprint_goals, journal_goals, scoring_goals, serving_goals
from bench.load import require_wrk
from bench.model import BENCH, PIPELINE, ROOT, Model, prepare
from bench.report import Results, render
from bench.scoring import Batch
from bench.servers import PEERS, servers
from bench.serving import WARM_SECONDS, Cores, Effort
from portfolio.errors import PortfolioError

PAGE = ROOT / "docs" / "benchmarks.md"
FULL = (Effort(rounds=5, seconds=3), Batch(rows=3_000_000, rounds=5, many=10_000_000))
QUICK = (Effort(rounds=2, seconds=1), Batch(rows=200_000, rounds=2, many=1_000_000))


@dataclass(frozen=True)
class Order:
    """What is asked for: `only` one part, or all of them."""

    quick: bool = False
    only: str = ""
    arguments: tuple[str, ...] = ()


def bench(order: Order, say: Callable[[str], None]) -> str:
    """Measure all that is asked for and return the page. Raises PortfolioError where a figure would be void."""
    require_wrk()
    cores = _cores()
    under = conditions(list(order.arguments))
    model = _prepare(say, peers=order.only != "journal")
    effort, batch = QUICK if order.quick else FULL
    measured = serving.measure(servers(), model, cores, effort, say) if order.only in ("", "serving") else None
    kept = journal.measure(model, cores, effort, say) if order.only in ("", "journal") else None
    timed = stages.measure(model) if order.only in ("", "stages") else None
    scored = scoring.measure(model, batch, say) if order.only in ("", "scoring") else None
    held = None
    if order.only in ("", "memory"):
        held = footprint.measure(model, cores, rounds=effort.rounds, say=say)
    goals = [
        *(serving_goals(measured) if measured else []),
        *(journal_goals(kept) if kept else []),
        *(scoring_goals(scored) if scored else []),
        *(footprint_goals(held) if held else []),
    ]
    found = Results(under, effort, order.quick, model.difference, goals, measured, kept, timed, scored, held)
    page = render(found, warm=WARM_SECONDS)
    if not (order.quick or order.only):
        PAGE.write_text(page, encoding="utf-8")
    return page


def _prepare(say: Callable[[str], None], *, peers: bool) -> Model:
    say("fitting the peers' pipeline")
    model = prepare()
    if not peers:  # then their environments need not be there
        return model
    folder = BENCH / "mlflow" / "model"
    shutil.rmtree(folder, ignore_errors=True)
    python = BENCH / "mlflow" / "venv" / "bin" / "python"
    command = [python, PEERS / "mlflow" / "save.py", PIPELINE, folder]
    env = {**os.environ, "PYTHONPATH": str(PEERS / "pipeline")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PortfolioError(f"MLflow did not save the pipeline: {done.stderr[-500:]}", remedy="make bench")
    return model


def _cores() -> Cores:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise PortfolioError("There is only one core.", remedy="The server and the load generator need one each.")
    return Cores(server=allowed[0], load=allowed[1])
