"""`portfolio serve PROJECT`: claim the port, bring the champion into the cache, then serve with one worker or more."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import FrameType

from portfolio import logs
from portfolio.bundle import read_trust
from portfolio.errors import ConfigError, PortfolioError
from portfolio.predictions.segments import JOURNAL
from portfolio.serving.board import FOLDER, Board
from portfolio.serving.keeper import Keeper
from portfolio.settings import Settings, read_config, read_settings
from portfolio.spec import ModelSpec

FIRST_SECONDS = 60  # a stuck download must not keep a service with a good cache from starting
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
    with naming(host, port):
        claimed = claim(host, port)
    with closing(claimed) as listener:
        signal.signal(signal.SIGTERM, _stop)
        with suppress(KeyboardInterrupt), _beside(spec, settings):
            _run(spec, listener, settings)


@contextmanager
def naming(host: str, port: int) -> Iterator[None]:
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


def claim(host: str, port: int) -> socket.socket:
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


@contextmanager
def _beside(spec: ModelSpec, settings: Settings) -> Iterator[None]:
    """The folder that the processes share, the shipper, and the sidecar, which has followed the registry once."""
    with TemporaryDirectory(prefix="portfolio-", dir=_scratch()) as folder:
        os.environ[FOLDER] = folder
        with _shipper(spec), _sidecar(spec, settings, Board(Path(folder))):
            yield


def _shipper(spec: ModelSpec) -> AbstractContextManager[object]:
    """Brings predictions into the store; where none are kept there is none."""
    if not read_config(spec.root / "configs" / "config.yaml").journal:
        return nullcontext()
    return Keeper("shipper", _program("shipper", spec, JOURNAL))


@contextmanager
def _sidecar(spec: ModelSpec, settings: Settings, board: Board) -> Iterator[None]:
    """Follows the registry; without one there is none."""
    if not settings.mlflow_tracking_uri:
        log.info("no registry is set, the cache stays", remedy="MLFLOW_TRACKING_URI names one")
        yield
        return
    board.hang_bell()
    with Keeper("sidecar", _program("sidecar", spec, "cache")) as keeper:
        _wait_for_champion(spec, board, keeper)
        yield


def _program(name: str, spec: ModelSpec, folder: str) -> list[str]:
    return [sys.executable, "-m", f"portfolio.serving.{name}", spec.name, str(spec.root / folder), str(os.getpid())]


def _scratch() -> str:
    try:
        return gettempdir()
    except FileNotFoundError:  # nothing is writable but memory
        return "/dev/shm"


def _wait_for_champion(spec: ModelSpec, board: Board, keeper: Keeper) -> None:
    """So that the first answer is the champion's; a sidecar that can't be asked keeps nobody waiting."""
    deadline = time.monotonic() + FIRST_SECONDS
    while board.attempt() is None and not keeper.deaths:
        if time.monotonic() > deadline:
            log.warning("the champion takes long, the service starts without", project=spec.name)
            return
        time.sleep(0.02)


def _run(spec: ModelSpec, listener: socket.socket, settings: Settings) -> None:
    from portfolio.serving import workers  # uvicorn, which fetching the champion does without

    config = workers.config(f"{spec.name}.api:app", settings, stop_seconds=STOP_SECONDS)
    if not workers.run(config, listener, patience=settings.drain_seconds + 2 * STOP_SECONDS):
        raise PortfolioError(f"{spec.name} did not start.", remedy="The log above tells why.")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
