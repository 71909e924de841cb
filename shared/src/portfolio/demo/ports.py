"""Ports: which are taken, and by whom."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from portfolio.demo.errors import DemoError
from portfolio.demo.procfile import Service

LISTENING = "0A"  # TCP_LISTEN of Linux, as /proc/net/tcp writes it


@dataclass(frozen=True)
class Owner:
    """A program that listens on a port."""

    pid: int
    command: str


def check_ports(services: Sequence[Service]) -> None:
    """Raise DemoError for the ports that something else listens on."""
    taken = [service for service in services if is_taken(service.port)]
    if not taken:
        return
    owners = {service: owner_of(service.port) for service in taken}
    pids = sorted({owner.pid for owner in owners.values() if owner})
    stop = f"Stop it (kill {' '.join(map(str, pids))})" if pids else "Stop what uses it"
    raise DemoError(
        " ".join(_sentence(service, owner) for service, owner in owners.items()),
        remedy=f"{stop}, or move all ports of the demo: DEMO_PORT_OFFSET=10000 make demo",
    )


def is_taken(port: int) -> bool:
    """Whether a program listens on it on this machine, by either kind of address."""
    return any(_refused(*address, port) for address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")))


def owner_of(port: int) -> Owner | None:
    """Who listens; None where the system doesn't tell."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    folders = sorted((int(path.name), path) for path in Path("/proc").glob("[0-9]*"))
    for pid, folder in folders if sockets else ():
        if sockets.intersection(_open_files(folder)):
            return Owner(pid, _command(folder))
    return None


def _sentence(service: Service, owner: Owner | None) -> str:
    by = f" by {owner.command!r} (pid {owner.pid})" if owner else ""
    return f"Port {service.port}, which {service.name} needs, is taken{by}."


def _refused(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed links are no owners
            attempt.bind((host, port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE  # no IPv6, no permission: the service itself will say so
    return False


def _inodes(port: int) -> Iterator[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.is_file() else ():
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open_files(folder: Path) -> Iterator[str]:
    with suppress(OSError):  # another user's, or gone meanwhile
        for link in (folder / "fd").iterdir():
            with suppress(OSError):
                yield str(link.readlink())


def _command(folder: Path) -> str:
    with suppress(OSError):
        words = folder.joinpath("cmdline").read_bytes().decode(errors="replace")
        return re.sub(r"\0+", " ", words).strip()[:100]
    return "?"
