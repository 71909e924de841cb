"""The processes that answer behind one port."""

from __future__ import annotations

import os
import socket
from tempfile import TemporaryDirectory

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from portfolio import logs
from portfolio.serving.connection import Connection
from portfolio.serving.tally import FOLDER
from portfolio.settings import Settings, read_settings

HANGING_SECONDS = 60  # without a sign of life, after which a worker is replaced; starting one takes a busy machine long


class Config(uvicorn.Config):
    """uvicorn's configuration, which every worker process takes its logging from."""

    def configure_logging(self) -> None:
        """Log as the rest of the service does."""
        super().configure_logging()
        settings = read_settings()
        logs.configure(settings.log_level, settings.log_format)


def config(app: str, settings: Settings, *, stop_seconds: int) -> Config:
    """How every worker serves. `app` is imported in each."""
    return Config(
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


def run(config: Config, listener: socket.socket) -> bool:
    """Serve until a signal; whether it ever started.

    One worker is this process. More are its children: they accept from the same socket, a dead one is replaced, and
    they count into files in a folder that goes when all are gone.
    """
    if config.workers == 1:
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        return server.started
    with TemporaryDirectory(prefix="portfolio-") as folder:
        os.environ[FOLDER] = folder
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
    return all(worker.exitcode != STARTUP_FAILURE for worker in supervisor.processes)
