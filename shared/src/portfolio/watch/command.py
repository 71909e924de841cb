"""`portfolio monitoring`: the monitoring service until somebody stops it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import uvicorn
from prometheus_client import disable_created_metrics

from portfolio import logs, store
from portfolio.errors import PortfolioError, StoreError
from portfolio.promotion.running import address_of
from portfolio.serving.command import claim, naming
from portfolio.settings import MonitoringConfig, Settings, read_config, read_settings
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project, project_names
from portfolio.store.pruning import Pruned, prune, thin_runs
from portfolio.watch.app import build
from portfolio.watch.found import Last
from portfolio.watch.rounds import Rounds
from portfolio.watch.service import Service
from portfolio.watch.traffic import Traffic
from portfolio.watch.versions import Acts

STOP_SECONDS = 5
EVERY_RUN_DAYS = 7  # older ones are thinned: 10 KB every few minutes would be gigabytes a year

log = logs.logger(__name__)


def serve(*, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigError, before anything starts, for a port it can't have."""
    settings = read_settings()
    service = assemble(settings)
    with naming(host, port):
        listener = claim(host, port)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    _prepare(settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with closing(listener), suppress(KeyboardInterrupt):
        server = uvicorn.Server(_config(service))
        server.run(sockets=[listener])
        if not server.started:
            raise PortfolioError("The monitoring service did not start.", remedy="The log above tells why.")


def assemble(settings: Settings) -> Service:
    """The service of all installed projects. Raises ConfigError."""
    names = project_names()
    last = Last(names, settings)
    return Service(
        policies={name: _policy(find_project(name)) for name in names},
        settings=settings,
        last=last,
        rounds=Rounds(
            names,
            lambda name: run_command(name, settings),
            newest=lambda name: store.last_run(settings, project=name),
            prune=lambda: _prune(settings),
            seconds=settings.monitoring_interval_seconds,
        ),
        traffic=Traffic({name: address_of(find_project(name), settings) for name in names}),
        acts=Acts(names, settings),
        version=version("portfolio"),
    )


def _policy(spec: ModelSpec) -> MonitoringConfig:
    return read_config(spec.root / "configs" / "config.yaml").monitoring


def run_command(project: str, settings: Settings) -> Sequence[str]:
    """The program of one monitoring run: the one beside this interpreter."""
    program = Path(sys.executable).with_name("portfolio")
    return [str(program), "monitor", project, "--days", str(settings.monitoring_days)]


def _config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        build(service), log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=STOP_SECONDS
    )


def _prepare(settings: Settings) -> None:
    """Make the store where there is none: nobody may have predicted yet. One that is away does not keep this down."""
    try:
        store.prepare(settings)
    except StoreError as error:
        log.warning("the store is away", reason=error.detail)


def _prune(settings: Settings) -> Pruned:
    now = datetime.now(UTC)
    pruned = prune(settings, before=now - timedelta(days=settings.store_retention_days))
    thinned = thin_runs(settings, before=now - timedelta(days=EVERY_RUN_DAYS))
    return replace(pruned, runs=pruned.runs + thinned)
