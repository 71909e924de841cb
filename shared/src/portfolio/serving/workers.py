"""The processes that answer behind one port."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from portfolio import logs
from portfolio.serving.connection import Connection
from portfolio.settings import Settings, read_settings

HANGING_SECONDS = 30  # without a sign of life, after which a worker is replaced; starting one takes a busy machine long


class Config(uvicorn.Config):
    """uvicorn's configuration, which every worker process takes its logging from, and what connections ask beside."""

    read_seconds: float

    def configure_logging(self) -> None:
        """Log as the rest of the service does."""
        super().configure_logging()
        settings = read_settings()
        logs.configure(settings.log_level, settings.log_format)


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which looks at signals only between its questions to the workers, and waits without end.

    Here SIGTERM reaches the workers at once, a second one too, and who does not leave in time is killed.
    """

    _told = False

    def __init__(self, config: Config, sockets: list[socket.socket], *, patience: float) -> None:
        super().__init__(config, sockets)
        self._patience = patience
        signal.signal(signal.SIGTERM, self._tell)

    def terminate_all(self) -> None:
        """Tell the workers to leave, unless they know."""
        if not self._told:
            super().terminate_all()

    def join_all(self) -> None:
        """Wait for the workers."""
        until = time.monotonic() + self._patience
        for worker in self.processes:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.kill()
                worker.process.join()

    def _tell(self, number: int, _frame: FrameType | None) -> None:
        self._told = True
        self.should_exit.set()
        for worker in self.processes:
            if worker.pid is not None and worker.exitcode is None:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, number)
            # this copy of the worker's end would leave a question to one that dies of the signal open for half a minute
            worker.child_conn.close()


def config(app: str, settings: Settings, *, stop_seconds: int) -> Config:
    """How every worker serves. `app` is imported in each."""
    made = Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here asks for the client's address
        server_header=False,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=stop_seconds,
        timeout_worker_healthcheck=HANGING_SECONDS,
        workers=settings.workers,
    )
    made.read_seconds = settings.read_seconds
    return made


def run(config: Config, listener: socket.socket, *, patience: float) -> bool:
    """Serve until a signal; whether it ever started. After `patience` seconds of leaving, workers are killed.

    One worker is this process. More are its children: they accept from the same socket, and a dead one is replaced.
    """
    if config.workers == 1:
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        return server.started
    supervisor = Supervisor(config, sockets=[listener], patience=patience)
    supervisor.run()
    return all(worker.exitcode != STARTUP_FAILURE for worker in supervisor.processes)
