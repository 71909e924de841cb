"""The engine for more than one machine: Ray Data hands the parts to workers on the nodes of a cluster."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from portfolio.batch.job import Done, Job, Part
from portfolio.batch.worker import ONE_THREAD, Answer, Worker
from portfolio.errors import ConfigError, DataError

PATIENCE_SECONDS = 5.0


class RayWorker:
    """A worker as Ray Data uses it: rows of text in and out."""

    def __init__(self, job: str) -> None:
        self._worker = Worker(Job.model_validate_json(job))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"answer": self._worker.score(Part.model_validate_json(row["part"])).model_dump_json()}


def on_ray(job: Job, parts: Iterator[Part], *, address: str | None) -> Iterator[Done]:
    """Score parts on every core of a Ray cluster, or on a local Ray without an address.

    Input and output must be at the same paths on all nodes. Raises ConfigError without Ray or its cluster.
    """
    rows = [{"part": part.model_dump_json()} for part in parts]
    if not rows:
        return
    ray = _connected(address)
    try:
        workers = max(1, min(int(ray.cluster_resources().get("CPU", 1)), len(rows)))
        pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers)
        data = ray.data.from_items(rows, override_num_blocks=len(rows))
        for row in data.map(RayWorker, fn_constructor_args=(job.model_dump_json(),), compute=pool).iter_rows():
            yield Answer.model_validate_json(row["answer"]).unwrap()
    except ray.exceptions.RayError as error:
        raise DataError(f"Ray could not go on: {error}", remedy="Look at the cluster's logs.") from None
    finally:
        ray.shutdown()


def _connected(address: str | None) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise ConfigError("Ray is not installed.", remedy="pip install 'portfolio[ray]'") from None
    if address and ":" in address:
        _knock(address)
    environment = {"env_vars": ONE_THREAD}
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env=environment)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


def _knock(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS).close()
    except (OSError, ValueError):
        raise ConfigError(f"No Ray cluster answers at {address}.", remedy="Check --ray-address.") from None
