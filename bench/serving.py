"""Every server under the same load, round by round; all stay up, and those that are not measured are paused."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench import tree
from bench.figures import order
from bench.load import Round, Target, load
from bench.model import BENCH, ROOT, TOLERANCE, Model
from bench.servers import Server, encode
from portfolio.errors import PortfolioError

CONNECTIONS = (1, 16)
READY_SECONDS = 180.0
WARM_SECONDS = 1.0
DRAIN_SECONDS = 0.5  # a request that is paused half-way would look slow to a server that learns from its latencies
AGREEMENT_ROWS = 20
SHIPPER = "portfolio.serving.shipper"
"""Brings predictions into the store whenever there is time: it has the other core, as it would where there are more."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How long it may take."""

    rounds: int
    seconds: float


@dataclass(frozen=True)
class Cores:
    """Which core the servers have, and which the load generator."""

    server: int
    load: int


@dataclass(frozen=True)
class Running:
    """A server that answers: how long until its first right answer, and how far from the truth its answers are."""

    server: Server
    program: tree.Program
    target: Target
    seconds: float
    difference: float


@dataclass(frozen=True)
class Measured:
    """One server's rounds by number of connections, and its memory after them in bytes, its children's included."""

    server: Server
    rounds: dict[int, list[Round]]
    memory: int
    ready_seconds: float
    difference: float


def measure(servers: Sequence[Server], model: Model, cores: Cores, effort: Effort, say: Say) -> list[Measured]:
    """Each with one connection, and with many."""
    return measure_at(CONNECTIONS, servers, model, cores, effort, say)


def measure_at(
    numbers: Sequence[int], servers: Sequence[Server], model: Model, cores: Cores, effort: Effort, say: Say
) -> list[Measured]:
    """Start all, load them in turns, stop all. Raises PortfolioError for a server that answers wrongly."""
    with _started(servers, model, cores, say) as running:
        rounds = {connections: _rounds(running, model, connections, cores, effort, say) for connections in numbers}
        return [
            Measured(
                one.server,
                {connections: rounds[connections][place] for connections in numbers},
                tree.memory(one.program.pid),
                one.seconds,
                one.difference,
            )
            for place, one in enumerate(running)
        ]


def _rounds(
    running: Sequence[Running], model: Model, connections: int, cores: Cores, effort: Effort, say: Say
) -> list[list[Round]]:
    """One number of connections at a time: a server that learns from its load is not asked to forget it every round."""
    found: list[list[Round]] = [[] for _ in running]
    for turn in range(effort.rounds):
        say(f"c = {connections}: round {turn + 1} of {effort.rounds}")
        for place in order(len(running), turn):
            one = running[place]
            tree.resume(one.program.pid)
            check(one.server, model, one.target.url)
            load(one.target, connections=connections, seconds=WARM_SECONDS, core=cores.load)
            found[place].append(load(one.target, connections=connections, seconds=effort.seconds, core=cores.load))
            time.sleep(DRAIN_SECONDS)
            tree.pause(one.program.pid)
    return found


def check(server: Server, model: Model, url: str, rows: int = 1) -> float:
    """Ask about some rows; returns the largest difference from the truth, or raises PortfolioError beyond 1e-4."""
    known = [row for row in model.rows if None not in row.values()]  # a missing number is no number in every protocol
    difference = 0.0
    for row in known[:rows]:
        answer = httpx2.post(url, content=encode(server, row), headers={"content-type": "application/json"}, timeout=30)
        if not answer.is_success:
            raise PortfolioError(f"{server.name} answered {answer.status_code}: {answer.text[:200]}")
        difference = max(difference, abs(server.read(answer.json()) - server.truth(model, row)))
    if not difference <= TOLERANCE:
        raise PortfolioError(f"{server.name} answers {difference:.3g} off.")
    return difference


@contextmanager
def _started(servers: Sequence[Server], model: Model, cores: Cores, say: Say) -> Iterator[list[Running]]:
    running: list[Running] = []
    try:
        for server in servers:
            say(f"starting {server.name}")
            running.append(start(server, model, core=cores.server))
            tree.move(running[-1].program.pid, SHIPPER, core=cores.load)
            tree.pause(running[-1].program.pid)
        yield running
    finally:
        for one in running:
            tree.stop(one.program)


def start(server: Server, model: Model, *, core: int | None) -> Running:
    """Start one server and wait for its first right answer; raises PortfolioError with its log's place otherwise."""
    folder = BENCH / "run" / server.name.strip("/").replace(" ", "-").replace(",", "")
    folder.mkdir(parents=True, exist_ok=True)
    names = _ports()
    body = folder / "body.json"
    body.write_bytes(encode(server, next(row for row in model.rows if None not in row.values())))
    target = Target(server.name, f"http://127.0.0.1:{names['port']}{server.path}", body)
    begun = time.monotonic()
    command = [part.format(**names) for part in server.command]
    env = {name: value.format(**names) for name, value in server.env.items()}
    inside = ROOT if server.kind != "peer" else folder
    program = tree.start(command, core=core, env=env, folder=inside, log=folder / "log.txt")
    try:
        seconds = _until_ready(server, model, target.url, begun, folder / "log.txt", program)
        return Running(server, program, target, seconds, check(server, model, target.url, AGREEMENT_ROWS))
    except BaseException:
        tree.stop(program)
        raise


def _until_ready(server: Server, model: Model, url: str, begun: float, log: Path, program: tree.Program) -> float:
    while (waited := time.monotonic() - begun) < READY_SECONDS:
        try:
            check(server, model, url)
        except (httpx2.TransportError, PortfolioError) as error:
            reason: Exception = error
        else:
            return time.monotonic() - begun
        if program.poll() is not None:
            break
        time.sleep(0.01)
    raise PortfolioError(f"{server.name} did not answer within {waited:.0f} s: {reason}", remedy=f"Its log: {log}")


def _ports() -> dict[str, int]:
    """Three ports that are free now."""
    names = ("port", "more0", "more1")
    sockets = [socket.socket() for _ in names]
    with closing(sockets[0]), closing(sockets[1]), closing(sockets[2]):
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
