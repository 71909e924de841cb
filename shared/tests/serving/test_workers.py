"""Several workers behind one port count as one service, replace each other and leave without losing a request."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Event

import numpy as np
import orjson
import pytest
from services import Service, Wire, post, running
from toys import ORDER

from portfolio.spec import ModelSpec

BODY = orjson.dumps(ORDER)
LOST = b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def two(spec: ModelSpec, tmp_path: Path) -> Iterator[Service]:
    with running(spec, WORKERS="2", TMPDIR=str(tmp_path)) as service:
        wait_for_tallies(tmp_path, 2)
        yield service


def process_of(tally: Path) -> int:
    """The worker that counts there."""
    return int(tally.name.partition("-")[0])


def wait_for_tallies(folder: Path, number: int) -> list[Path]:
    """The counters of so many workers, once they have begun."""
    until = time.monotonic() + 60
    while len(files := sorted(folder.glob("portfolio-*/*.tally"))) < number:
        assert time.monotonic() < until, f"there are {len(files)} workers, not {number}"
        time.sleep(0.1)
    time.sleep(1)  # from counting to answering
    return files


def counted(service: Service, pattern: str) -> float:
    """The sum of all samples whose line matches."""
    with service.client() as client:
        text = client.get("/metrics").text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if re.search(pattern, line))


def ask_many(port: int, number: int) -> list[int]:
    """Statuses of predictions, refusals and unknown paths on one connection."""
    asked = [(post(BODY), post(BODY), post(BODY), post(b"{}"), LOST)[place % 5] for place in range(number)]
    statuses = []
    with Wire(port) as wire:
        for place in range(0, number, 25):
            wire.send(b"".join(asked[place : place + 25]))
            statuses += [reply.status for reply in (wire.read() for _ in asked[place : place + 25]) if reply]
    return statuses


@contextmanager
def held(process: int) -> Iterator[None]:
    """Stop a process for the block's time."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_ten_thousand_requests_to_two_workers_are_counted_exactly(two: Service, tmp_path: Path) -> None:
    statuses: list[int] = []
    files = wait_for_tallies(tmp_path, 2)
    for file in files:  # who gets a connection is the system's choice, so one worker is held while the other answers
        with held(process_of(file)), ThreadPoolExecutor(10) as clients:
            statuses += chain.from_iterable(clients.map(lambda _: ask_many(two.port, 500), range(10)))
    assert len(statuses) == 10_000
    assert statuses.count(200) == 6_000
    time.sleep(0.5)  # what goes by a route is counted after it was answered
    assert min(np.fromfile(file).sum() for file in files) > 5_000
    assert counted(two, r'^http_requests_total\{.*method="POST".*2xx') == 6_000
    assert counted(two, r'^http_requests_total\{.*method="POST".*4xx') == 2_000
    assert counted(two, r"^http_requests_total\{.*unmatched.*4xx") == 2_000
    assert counted(two, r"^predictions_total") == 6_000
    assert counted(two, r'^http_request_duration_seconds_count\{endpoint="/predict"') == 8_000


def test_a_killed_worker_is_replaced_and_its_counts_stay(two: Service, tmp_path: Path) -> None:
    ask_many(two.port, 100)
    [victim, *_] = sorted(process_of(file) for file in tmp_path.glob("portfolio-*/*.tally"))
    before = counted(two, r"^predictions_total")
    os.kill(victim, signal.SIGKILL)
    wait_for_tallies(tmp_path, 3)
    assert ask_many(two.port, 100).count(200) == 60
    assert counted(two, r"^predictions_total") == before + 60


def test_a_stopped_service_leaves_no_worker_and_no_file(two: Service, tmp_path: Path) -> None:
    workers = [process_of(file) for file in tmp_path.glob("portfolio-*/*.tally")]
    assert two.stop() == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert list(tmp_path.glob("portfolio-*")) == []


def test_workers_log_json_too(two: Service) -> None:
    two.stop()
    assert [line["message"] for line in two.log].count("model loaded") == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_that_leaves_loses_no_request(spec: ModelSpec, workers: str) -> None:
    """Clients go on until the balancer, which asks for readiness, has told them to stop; every request is answered."""
    told = Event()

    def load(_: int) -> list[int | None]:
        statuses: list[int | None] = []
        while not told.is_set():
            with Wire(service.port) as wire:
                for _ in range(200):
                    wire.send(post(BODY))
                    reply = wire.read()
                    statuses.append(reply.status if reply else None)
                    if reply is None or reply.headers.get("connection") == "close" or told.is_set():
                        break
        return statuses

    with running(spec, WORKERS=workers, DRAIN_SECONDS="1.5") as service, ThreadPoolExecutor(9) as clients:
        loads = [clients.submit(load, number) for number in range(8)]
        time.sleep(0.5)
        service.program.send_signal(signal.SIGTERM)
        answered_after = 0
        while not told.is_set():
            with Wire(service.port) as balancer:
                balancer.send(b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n")
                reply = balancer.read()
            assert reply is not None
            if reply.status == 503:
                assert reply.json() == {"status": "draining"}
                assert reply.headers["connection"] == "close"
                time.sleep(0.3)  # one worker gets its signal after the other
                with Wire(service.port) as late:  # a balancer that has not looked yet
                    late.send(post(BODY))
                    last = late.read()
                assert last is not None
                assert (last.status, last.headers["connection"]) == (200, "close")
                told.set()
        statuses = [status for each in loads for status in each.result(timeout=20)]
        answered_after = service.program.wait(timeout=20)
    assert answered_after == 0
    assert len(statuses) > 200
    assert set(statuses) == {200}


@pytest.mark.parametrize("cut", [1, 30, -1], ids=["in the first byte", "in the head", "in the body"])
def test_a_request_that_was_begun_is_answered_before_the_service_leaves(spec: ModelSpec, cut: int) -> None:
    content = post(BODY)
    with running(spec, DRAIN_SECONDS="0.2") as service, Wire(service.port) as wire, Wire(service.port) as idle:
        wire.send(content[:cut])
        time.sleep(0.3)
        service.program.send_signal(signal.SIGTERM)
        assert idle.read() is None  # closed at the end of the drain, so the service is leaving now
        wire.send(content[cut:])
        reply = wire.read()
        assert reply is not None
        assert (reply.status, reply.headers.get("connection")) == (200, "close")
        assert service.program.wait(timeout=20) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_signal_stops_at_once(spec: ModelSpec, workers: str) -> None:
    with running(spec, WORKERS=workers, DRAIN_SECONDS="60") as service:
        service.program.send_signal(signal.SIGTERM)
        time.sleep(1)
        begun = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - begun < 20


def test_a_stuck_worker_keeps_the_others_from_nothing(two: Service, tmp_path: Path) -> None:
    stuck, other = (process_of(file) for file in wait_for_tallies(tmp_path, 2))
    with held(stuck):
        time.sleep(1)  # the supervisor is waiting for its sign of life
        two.program.send_signal(signal.SIGTERM)
        until = time.monotonic() + 10
        while Path(f"/proc/{other}").exists() and "Z" not in Path(f"/proc/{other}/stat").read_text():
            assert time.monotonic() < until, "the other worker was not told"
            time.sleep(0.1)


def test_workers_end_with_a_supervisor_that_was_killed(two: Service, tmp_path: Path) -> None:
    workers = [process_of(file) for file in wait_for_tallies(tmp_path, 2)]
    two.program.kill()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < until, "a worker goes on"
        time.sleep(0.1)


def test_the_access_log_has_a_line_for_every_request_where_it_is_wished(spec: ModelSpec) -> None:
    with running(spec, ACCESS_LOG="1") as service:
        ask_many(service.port, 10)
        service.stop()
    lines = [line for line in service.log if line.get("logger") == "portfolio.access"]
    seen = [(line["method"], line["endpoint"], line["status"]) for line in lines if line["endpoint"] != "/health"]
    assert sorted(seen) == sorted(
        [("POST", "/predict", 200)] * 6 + [("POST", "/predict", 422)] * 2 + [("GET", "unmatched", 404)] * 2
    )
    assert len({line["request_id"] for line in lines}) == len(lines)
    assert all(line["seconds"] > 0 for line in lines)


def test_there_is_no_access_log_otherwise(spec: ModelSpec) -> None:
    with running(spec) as service:
        ask_many(service.port, 10)
        service.stop()
    assert not [line for line in service.log if line.get("logger") == "portfolio.access"]
