"""A real MLflow server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portfolio import registry
from portfolio.settings import Settings


@contextmanager
def mlflow_server(folder: Path, port: int | None = None) -> Iterator[Settings]:
    """A server whose stores are in `folder`, on a free port unless one is named, until the block ends."""
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
    command = [Path(sys.executable).parent / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, *stores, "--workers", "1"], stdout=log, stderr=log, env=environment, process_group=0
        )
    settings = Settings(mlflow_tracking_uri=f"http://127.0.0.1:{port}", mlflow_timeout_seconds=10)
    try:
        deadline = time.monotonic() + 90
        while not registry.reachable(settings):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.3)
        yield settings
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)
