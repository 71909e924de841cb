"""A PostgreSQL of the drill's own, which can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from drills.lifecycle.errors import DrillError

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""
START_SECONDS = 60.0


class Database:
    """A server on a port; it runs inside the block, except between `stop` and `start`."""

    def __init__(self, port: int, log: Path) -> None:
        self._port, self._log = port, log
        # where its user may go, which a folder of the drill's own need not be
        self._place = tempfile.TemporaryDirectory(prefix="postgresql-", dir="/tmp")
        self._folder = Path(self._place.name)
        self._user = UNPRIVILEGED if os.getuid() == 0 else None
        self._server: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://drill@127.0.0.1:{port}/postgres"

    def __enter__(self) -> Database:
        if self._user:
            shutil.chown(self._folder, self._user)
        initialise = [_program("initdb"), "-D", str(self._folder / "data"), "-U", "drill", "-A", "trust", "--no-sync"]
        subprocess.run(initialise, user=self._user, cwd=self._folder, check=True, capture_output=True)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        self._place.cleanup()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={self._port}")
        options = [part for setting in settings for part in ("-c", setting)]
        command = [_program("postgres"), "-D", str(self._folder / "data"), *options]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, user=self._user, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise DrillError("PostgreSQL did not come up.", remedy="Its log is postgresql.log.")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        if self._server and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(START_SECONDS)

    def _answers(self) -> bool:
        ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run(ready, check=False).returncode == 0


def _program(name: str) -> str:
    found = [*sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), Path(shutil.which(name) or "/nowhere")]
    if not found[0].exists():
        raise DrillError(f"{name} is not installed.", remedy="apt-get install postgresql")
    return str(found[0])
