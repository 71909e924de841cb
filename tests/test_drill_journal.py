"""The drill of the journal: what it records, how it judges it, and the drill itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Lock
from typing import ClassVar

import numpy as np
import pytest

from drills.journal.answers import FIELDS, Answers, Kept, compare, read
from drills.journal.checks import Outage, killed, nothing_lost, taken_away
from drills.journal.load import RATE
from drills.lifecycle.place import ROOT
from tests.answering import serving


def name(number: int) -> str:
    return f"{number:036d}"


def answers(*rows: tuple[float, int, int]) -> Answers:
    """As (received, status, number of the prediction)."""
    return np.array([(at, status, name(number).encode()) for at, status, number in rows], FIELDS)


def test_what_the_client_saw_must_be_in_the_store_once() -> None:
    seen = answers((1, 200, 1), (2, 200, 2), (3, 503, 3), (4, 0, 4))
    assert compare(seen, [name(1), name(2)]) == Kept(seen=2, stored=2, missing=0, doubled=0)
    more = compare(seen, [name(1), name(2), name(7)])
    assert (more.missing, more.unseen) == (0, 1)
    less = compare(seen, [name(2), name(7)])
    assert (less.missing, less.unseen) == (1, 1)
    assert [check.holds for check in killed(more, 10, RATE)] == [True] * 4
    assert [check.holds for check in killed(less, 10, RATE)] == [True, False, True, True]
    twice = compare(seen, [name(1), name(2), name(2)])
    assert [check.holds for check in killed(twice, 10, RATE)] == [True, True, False, True]
    assert [check.holds for check in killed(more, 10, RATE / 2)] == [False, True, True, True]


def outage(*, failed: int = 0, count: int = 20_000, drained: float = 15, up: float = 0) -> Outage:
    rows = [(10 * number / count, 200, number) for number in range(count)]
    return Outage(answers(*rows, *((5.0, 500, 0) for _ in range(failed))), 0, 10, drained, up)


def test_an_outage_that_is_noticed_does_not_hold() -> None:
    assert [check.holds for check in taken_away(outage())] == [True] * 4
    assert [check.holds for check in taken_away(outage(failed=1))] == [False, True, True, True]
    assert [check.holds for check in taken_away(outage(count=15_000))] == [True, False, True, True]
    assert [check.holds for check in taken_away(outage(up=1))] == [True, True, False, True]
    assert [check.holds for check in taken_away(outage(drained=200))] == [True, True, True, False]


def test_one_lost_prediction_is_enough() -> None:
    shown = {'journal_lost_total{reason="full"}': 0.0, 'journal_lost_total{reason="unwritable"}': 0.0, "other": 3.0}
    assert nothing_lost(shown).holds
    assert not nothing_lost(shown | {'journal_lost_total{reason="full"}': 1.0}).holds


class Api(BaseHTTPRequestHandler):
    """Answers as an API does; now and then with 503, now and then by closing the connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    asked: ClassVar[Counter[str]] = Counter()
    bodies: ClassVar[set[bytes]] = set()
    one: ClassVar[Lock] = Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.one:
            number = self.asked.total()
            kind = "lost" if number % 50 == 49 else "busy" if number % 20 == 19 else "good"
            self.asked[kind] += 1
            self.bodies.add(body)
        if kind == "lost":
            self.close_connection = True
            return
        content = json.dumps({"prediction_id": name(number)}, separators=(",", ":")).encode()
        self.send_response(200 if kind == "good" else 503)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_the_load_records_every_answer_by_its_id(tmp_path: Path) -> None:
    with serving(Api) as port:
        command = [
            sys.executable,
            "-m",
            "drills.journal.load",
            str(port),
            '[{"a": 1}, {"a": 2}]',
            str(tmp_path / "out"),
        ]
        program = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 60
        while len(read(tmp_path / "out")) < RATE:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
    found = read(tmp_path / "out")
    good = found[found["status"] == 200]["id"].tolist()
    assert Counter(found["status"].tolist()) == {200: Api.asked["good"], 503: Api.asked["busy"], 0: Api.asked["lost"]}
    assert len(set(good)) == Api.asked["good"]
    assert Api.bodies == {b'{"a": 1}', b'{"a": 2}'}


@pytest.mark.e2e
def test_the_journal_holds_what_is_claimed_of_it(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "drills.journal", "--short"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds  ") >= 8, done.stdout
    assert list(tmp_path.glob("drill-*")) == []
    assert not list((ROOT / "projects" / "bankchurn").glob("journal/*.segment"))
