"""What a worker and the whole service hold in memory, and how long they take to start, on all cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import tree
from bench.load import load
from bench.model import PROJECT, Model
from bench.servers import Server, service, uvicorn
from bench.serving import Cores, start

CONNECTIONS = 16


@dataclass(frozen=True)
class Footprint:
    """Bytes and seconds, by round. A worker's memory is its resident set; the service's is all its processes' share."""

    worker_bytes: list[float]
    worker_seconds: list[float]
    service_bytes: list[float]
    service_seconds: list[float]


def measure(model: Model, cores: Cores, *, rounds: int, say: Callable[[str], None]) -> Footprint:
    """Start each several times; memory is read after a second of load."""
    worker = replace(service(), name="one worker", command=uvicorn(f"{PROJECT}.api:app"))
    found = Footprint([], [], [], [])
    for turn in range(rounds):
        say(f"memory and start-up: round {turn + 1} of {rounds}")
        held, seconds = _once(worker, model, cores, tree.resident)
        found.worker_bytes.append(held)
        found.worker_seconds.append(seconds)
        held, seconds = _once(service(), model, cores, tree.memory)
        found.service_bytes.append(held)
        found.service_seconds.append(seconds)
    return found


def _once(server: Server, model: Model, cores: Cores, weigh: Callable[[int], int]) -> tuple[int, float]:
    running = start(server, model, core=None)
    try:
        load(running.target, connections=CONNECTIONS, seconds=1, core=cores.load)
        return weigh(running.program.pid), running.seconds
    finally:
        tree.stop(running.program)
