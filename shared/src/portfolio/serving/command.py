"""`portfolio serve PROJECT`: claim the port, bring the champion into the cache, then serve with one worker or more."""

from __future__ import annotations

import errno
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType

from portfolio import logs
from portfolio.bundle import read_trust
from portfolio.errors import ConfigError, PortfolioError
from portfolio.settings import Settings, read_config, read_settings
from portfolio.spec import ModelSpec

FETCH_SECONDS = 60  # a stuck download must not keep a service with a good cache from starting
STOP_SECONDS = 10  # what is being answered has so long after the drain
BACKLOG = 2048  # uvicorn's own
UNAVAILABLE = {
    errno.EADDRINUSE: "is taken",
    errno.EACCES: "needs more rights than this process has",
    errno.EADDRNOTAVAIL: "is not an address of this machine",
}

log = logs.logger(__name__)


def serve(spec: ModelSpec, *, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigError, before anything starts, for a port or key it can't have."""
    settings = read_settings()
    read_trust(settings)
    read_config(spec.root / "configs" / "config.yaml")
    with _naming(host, port), closing(_claim(host, port)) as listener:
        signal.signal(signal.SIGTERM, _stop)
        with suppress(KeyboardInterrupt):
            _fetch_champion(spec)
            _run(spec, listener, settings)


@contextmanager
def _naming(host: str, port: int) -> Iterator[None]:
    """Tell in one line why this host and port can't be had."""
    try:
        yield
    except socket.gaierror:
        raise ConfigError(f"{host} is not a host of this machine.", remedy="See --host.") from None
    except OSError as error:
        if error.errno not in UNAVAILABLE:
            raise
        remedy = "Stop what listens there, or take another port with --port."
        raise ConfigError(f"Port {port} on {host} {UNAVAILABLE[error.errno]}.", remedy=remedy) from None


def _claim(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that no second service can claim the port while the champion is fetched."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _fetch_champion(spec: ModelSpec) -> None:
    command = [sys.executable, "-m", "portfolio.serving.sidecar", spec.name]
    try:
        # a group of its own: Ctrl-C in the terminal comes here, and ends the sidecar from here
        subprocess.run(command, check=True, timeout=FETCH_SECONDS, stdin=subprocess.DEVNULL, process_group=0)
    except subprocess.SubprocessError as error:
        log.warning("fetching the champion failed, the cache stays", project=spec.name, reason=str(error))


def _run(spec: ModelSpec, listener: socket.socket, settings: Settings) -> None:
    from portfolio.serving import workers  # uvicorn, which fetching the champion does without

    config = workers.config(f"{spec.name}.api:app", settings, stop_seconds=STOP_SECONDS)
    if not workers.run(config, listener, patience=settings.drain_seconds + 2 * STOP_SECONDS):
        raise PortfolioError(f"{spec.name} did not start.", remedy="The log above tells why.")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
