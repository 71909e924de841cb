"""The drills: what they record, how they judge it, and one of them from its start to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from math import inf
from pathlib import Path
from threading import Lock
from typing import ClassVar

import numpy as np
import pytest

from drills.claims import Check
from drills.lifecycle.answers import FIELDS, Answers, last_other, lateness, rate, read
from drills.lifecycle.champions import Reign, Watch, due
from drills.lifecycle.checks import (
    Waiting,
    answered,
    blocked,
    followed,
    refused_by_command,
    refused_by_service,
    told,
)
from drills.lifecycle.load import RATE
from drills.lifecycle.place import ROOT, Ended, prepare
from drills.lifecycle.versions import Spoilt
from tests.answering import serving

TO_AND_FRO = (Reign(1, 0, 10), Reign(2, 10, 20), Reign(1, 20, inf))
WAITING = Waiting(poll=5, load=1)
ALTERED = Spoilt(3, "altered", "model.onnx")


def recorded(*rows: tuple[float, int, int]) -> Answers:
    """Answers as (received, status, version), each sent 10 ms before."""
    return np.array([(at - 0.01, at, status, version) for at, status, version in rows], FIELDS)


def constant(count: int, *, seconds: float, version: int = 1) -> Answers:
    return recorded(*((seconds * number / (count - 1), 200, version) for number in range(count)))


def test_a_version_may_answer_until_the_service_can_have_followed() -> None:
    answers = recorded((1, 200, 1), (16.5, 200, 1), (11, 200, 2), (21, 200, 2), (30, 200, 1))
    assert lateness(answers, TO_AND_FRO) == pytest.approx(6.5)  # of version 1 in the reign of 2
    assert [check.holds for check in followed(answers, TO_AND_FRO, [], WAITING)] == [True, True]
    late = recorded((1, 200, 1), (17.5, 200, 1))
    assert [check.holds for check in followed(late, TO_AND_FRO, [], WAITING)] == [False, True]


def test_a_version_that_answers_before_its_reign_or_without_one_is_found() -> None:
    assert lateness(recorded((9, 200, 2)), TO_AND_FRO) == inf
    assert lateness(recorded((9, 200, 7)), TO_AND_FRO) == inf
    assert not followed(recorded((9, 200, 7)), TO_AND_FRO, [], WAITING)[0].holds


def test_one_answer_of_a_refused_version_is_enough() -> None:
    assert [check.holds for check in followed(recorded((1, 200, 1), (11, 200, 3)), TO_AND_FRO, [3], WAITING)] == [
        False,
        False,
    ]


def test_while_the_alias_names_a_refused_version_the_one_before_is_due() -> None:
    reigns = (Reign(1, 0, 10), Reign(3, 10, 90), Reign(1, 90, 100), Reign(4, 100, 110), Reign(2, 110, inf))
    assert due(reigns, [3, 4]) == (Reign(1, 0, 90), Reign(1, 90, 110), Reign(2, 110, inf))
    assert lateness(recorded((80, 200, 1)), due(reigns, [3, 4])) == 0
    assert lateness(recorded((115, 200, 1)), due(reigns, [3, 4])) == 5


def test_one_failed_request_is_enough() -> None:
    good = constant(1201, seconds=2)
    assert [check.holds for check in answered(good)] == [True, True]
    for status in (500, 503, 0):
        assert [check.holds for check in answered(np.append(good, recorded((1.5, status, 0))))] == [False, True]


def test_load_that_is_too_thin_shows_nothing() -> None:
    assert [check.holds for check in answered(constant(801, seconds=2))] == [True, False]


def test_the_rate_names_the_slowest_second() -> None:
    found = rate(np.concatenate([constant(600, seconds=0.9), recorded((1.5, 200, 1), (2.5, 200, 1))]))
    assert (found.slowest, round(found.longest, 3)) == (1, 0.01)


def test_a_rollback_lasts_until_the_last_answer_of_another_version() -> None:
    answers = recorded((19, 200, 2), (20.2, 200, 2), (20.5, 200, 1), (20.8, 200, 2), (20.9, 200, 1))
    assert last_other(answers, 1, since=20) == pytest.approx(0.8)
    assert last_other(answers, 2, since=25) == 0


def test_a_move_of_the_alias_is_dated_to_the_last_look_that_saw_the_version_before() -> None:
    looks, clock = iter([1, 1, 2, 2, None, 1]), iter(range(7))
    watch = Watch(lambda: next(looks), lambda: float(next(clock)))
    for _ in range(6):
        watch.look()
    assert watch.reigns == (Reign(1, 0, 2), Reign(2, 2, 4), Reign(1, 4, inf))


def failure(detail: str) -> dict[str, str]:
    return {"model_version": "3", "stage": "verify", "reason": "altered", "detail": detail}


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (refused_by_command(Ended(1, "error: not as it was\nsigned: model.onnx."), ALTERED), True),
        (refused_by_command(Ended(0, "model.onnx"), ALTERED), False),
        (refused_by_command(Ended(1, "MLflow does not answer"), ALTERED), False),
        (refused_by_service(failure("/cache/b: not as it was signed: model.onnx. Fetch it again."), ALTERED), True),
        (refused_by_service(failure("/cache/b/model.onnx: a golden row scores 1 off. Train anew."), ALTERED), False),
        (blocked(Ended(3, "brier <= 0.112   failed   0.2 is above 0.112\nroc_auc >= 0.8   passed   it is")), True),
        (blocked(Ended(3, "brier <= 0.112   passed   0.1 is within 0.112")), False),
        (blocked(Ended(0, "brier <= 0.112   failed   0.2 is above 0.112")), False),
    ],
)
def test_a_refusal_counts_where_it_names_the_reason(check: Check, *, holds: bool) -> None:
    assert check.holds is holds


def test_a_blocked_version_is_told_with_the_rules_that_failed() -> None:
    rows = (
        "rule            why",
        "brier <= 0.112  failed  it is",
        "roc_auc >= 0.8  passed  it is",
        "x <= 1  failed  no",
    )
    said = "\n".join(rows)
    assert blocked(Ended(3, said)).found == "exit code 3, failed: brier <= 0.112; x <= 1"


def test_the_audit_must_tell_every_change_that_stood_in_order_and_no_other() -> None:
    first, second = change("promote", "", "1", "done"), change("rollback", "2", "1", "live")
    failed = change("promote", "1", "9", "failed")
    story = ["promote none to 1", "rollback 2 to 1"]
    assert told([first, failed, second], story).holds
    for lines in ([second, first], [first], [first, second, second], [first, second | {"to_version": "3"}]):
        assert not told(lines, story).holds


def change(action: str, before: str, after: str, outcome: str) -> dict[str, str]:
    return {"action": action, "from_version": before, "to_version": after, "outcome": outcome}


class Api(BaseHTTPRequestHandler):
    """Answers as an API does; now and then with 503, now and then by closing the connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    asked: ClassVar[Counter[str]] = Counter()
    one: ClassVar[Lock] = Lock()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        with self.one:
            number = self.asked.total()
            kind = "lost" if number % 50 == 49 else "busy" if number % 20 == 19 else "good"
            self.asked[kind] += 1
        if kind == "lost":
            self.close_connection = True
            return
        body = json.dumps({"model_version": "7"}, separators=(",", ":")).encode() if kind == "good" else b"{}"
        self.send_response(200 if kind == "good" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_the_load_records_every_answer_and_every_request_that_got_none(tmp_path: Path) -> None:
    with serving(Api) as port:
        command = [sys.executable, "-m", "drills.lifecycle.load", str(port), "{}", str(tmp_path / "answers")]
        program = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 60
        while len(read(tmp_path / "answers")) < 2 * RATE:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
    answers = read(tmp_path / "answers")
    statuses = Counter(answers["status"].tolist())
    assert statuses == {200: Api.asked["good"], 503: Api.asked["busy"], 0: Api.asked["lost"]}
    assert set(answers[answers["status"] == 200]["version"].tolist()) == {7}
    assert (answers["received"] >= answers["sent"]).all()
    assert rate(answers).mean == pytest.approx(RATE, rel=0.2)


def test_a_drill_touches_nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("DATA_MIRROR", "/somewhere")
    monkeypatch.setenv("SIGNING_KEY", str(tmp_path / "mine.key"))
    place = prepare(tmp_path / "drill", poll_seconds=1)
    assert place.settings.signing_key_file.is_relative_to(place.folder)
    assert not {"MLFLOW_TRACKING_TOKEN", "DATA_MIRROR"} & place.environment.keys()
    listed = place.command("projects")
    assert str(place.project) in listed.said


@pytest.mark.e2e
def test_the_life_of_a_model_holds_what_is_claimed_of_it(tmp_path: Path) -> None:
    before = left_behind()
    command = [sys.executable, "-m", "drills.lifecycle", "--short"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILS" not in done.stdout
    assert done.stdout.count("holds  ") >= 12, done.stdout
    assert list(tmp_path.glob("drill-*")) == []
    assert left_behind() == before


def left_behind() -> set[str]:
    """What training and serving leave in the repository itself."""
    folders = ("mlruns", "keys", *(f"projects/bankchurn/{name}" for name in ("models", "cache", "data/raw")))
    return {str(path) for name in folders for path in (ROOT / name).rglob("*")}
