"""`python -m drills.journal.load PORT BODIES FILE`: constant load on /predict, every answer recorded, until SIGTERM.

One thread that writes to every connection and then reads from each: at this rate that leaves the processor to those
that are tried.
"""

from __future__ import annotations

import json
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from struct import Struct
from typing import BinaryIO

RATE = 2000.0
"""Requests a second of all connections together."""
CONNECTIONS = 16
PATIENCE = 10.0
RECORD = Struct("<dH36s")
"""When its answer was there (monotonic seconds), its status, 0 for none, and the prediction's id."""
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ID = re.compile(rb'"prediction_id":"([^"]{36})"')


class Link:
    """One connection, opened anew where it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> bool:
        """Send a request; whether it went out."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
        except OSError:
            self._lose()
            return False
        return True

    def read(self) -> tuple[int, bytes]:
        """(status, prediction id) of the answer; 0 where none came."""
        content = b""
        try:
            while not _is_whole(content):
                assert self._socket
                more = self._socket.recv(65536)
                if not more:
                    raise ConnectionResetError
                content += more
        except OSError:
            self._lose()
            return 0, b""
        found = ID.search(content)
        return int(content[9:12]), found[1] if found else b""

    def _lose(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


def _is_whole(content: bytes) -> bool:
    head, _, body = content.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(length) and len(body) >= int(length[1] if length else 0)


def load(port: int, bodies: Sequence[bytes], out: BinaryIO, *, over: int) -> None:
    """Ask on all connections at once, evenly over time, until there is something to read from `over`."""
    requests = cycle(_requests(port, bodies))
    links = [Link(port) for _ in range(CONNECTIONS)]
    due = time.monotonic()
    while not select.select([over], [], [], max(0.0, due - time.monotonic()))[0]:
        due = max(due + CONNECTIONS / RATE, time.monotonic() - 1)  # who was away for long does not catch up with it
        asked = [(link, link.ask(next(requests))) for link in links]
        answers = [link.read() if sent else (0, b"") for link, sent in asked]
        if not any(status for status, _ in answers):
            time.sleep(0.05)  # nobody is there
        now = time.monotonic()
        out.write(b"".join(RECORD.pack(now, *answer) for answer in answers))


def _requests(port: int, bodies: Sequence[bytes]) -> Iterator[bytes]:
    head = f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    for body in bodies:
        yield f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    """Load what the command line names."""
    over, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno())
    signal.signal(signal.SIGTERM, lambda *_: None)
    bodies = [json.dumps(row).encode() for row in json.loads(sys.argv[2])]
    with Path(sys.argv[3]).open("ab", buffering=0) as file:  # at once, as the drill reads along
        load(int(sys.argv[1]), bodies, file, over=over.fileno())


if __name__ == "__main__":
    main()
