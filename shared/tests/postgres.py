"""A real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, PASSWORD = "ann", "s3cret"
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database of a server on a free port, until the block ends."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir="/tmp") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        who = UNPRIVILEGED if os.getuid() == 0 else None
        if who:
            shutil.chown(folder, who)
        (Path(folder) / "password").write_text(PASSWORD)
        options = ["-U", USER, "-A", "scram-sha-256", "--pwfile", f"{folder}/password", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", f"{folder}/data", *options],
            user=who,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        address = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        server = _start(programs, Path(folder), port, who)
        try:
            _wait(address, server, Path(folder))
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def _start(programs: Path, folder: Path, port: int, who: str | None) -> subprocess.Popen[bytes]:
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
    options = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        command = [programs / "postgres", "-D", folder / "data", "-p", str(port), *options]
        return subprocess.Popen(command, user=who, cwd=folder, stdout=log, stderr=log)


def _wait(address: str, server: subprocess.Popen[bytes], folder: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(address, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    if not found[-1].exists():
        pytest.skip("needs PostgreSQL's server programs: apt-get install postgresql")
    return found[-1].parent
