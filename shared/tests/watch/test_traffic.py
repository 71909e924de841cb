"""Traffic over time is made of the differences between what an API's counters say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from oversight import Watch
from services import running
from toys import orders

from portfolio.spec import ModelSpec
from portfolio.watch.traffic import Traffic, read_samples

BOUNDS = (0.1, 0.2, 0.5)


class Api:
    """An API whose counters a test sets."""

    def __init__(self) -> None:
        self.fast = self.slow = self.failed = self.checks = 0
        self.status, self.address = 200, ""

    def text(self) -> str:
        """Answers within 0.1 s and between 0.2 and 0.5 s, and health checks."""
        number = self.fast + self.slow
        counts = dict(zip((*BOUNDS, "+Inf"), (self.fast, self.fast, number, number), strict=True))
        buckets = [
            f'http_request_duration_seconds_bucket{{endpoint="/predict",le="{bound}"}} {count}'
            for bound, count in counts.items()
        ]
        return "\n".join(
            [
                "# TYPE http_request_duration_seconds histogram",
                *buckets,
                "# TYPE http_requests_total counter",
                f'http_requests_total{{endpoint="/predict",method="POST",status="2xx"}} {number - self.failed}',
                f'http_requests_total{{endpoint="/predict",method="POST",status="5xx"}} {self.failed}',
                f'http_requests_total{{endpoint="/health",method="GET",status="2xx"}} {self.checks}',
                "# TYPE predictions_total counter",
                f'predictions_total{{outcome="1"}} {number - self.failed}',
                "",
            ]
        )


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(api.status)
            self.end_headers()
            self.wfile.write(api.text().encode())

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        api.address = f"http://127.0.0.1:{server.server_port}"
        yield api
        server.shutdown()


class Clock:
    """Ten seconds pass at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


@pytest.fixture
def traffic(api: Api) -> Traffic:
    """Looked at once."""
    traffic = Traffic({"toylate": api.address}, kept=5, clock=Clock())
    traffic.look()
    return traffic


def test_a_point_has_what_came_since_the_last_look(api: Api, traffic: Traffic) -> None:
    api.fast, api.slow, api.failed = 90, 10, 3
    traffic.look()
    [point] = traffic.of("toylate", minutes=1)
    assert (point.requests, point.errors_5xx, point.errors_4xx, point.predictions) == (100, 3, 0, 97)
    assert (point.up, point.seconds) == (True, 10.0)
    assert point.latency_p50_ms == pytest.approx(100 * 50 / 90, abs=0.001)
    assert point.latency_p95_ms == pytest.approx(350)


def test_the_latency_of_the_last_minutes_is_that_of_all_their_requests(api: Api, traffic: Traffic) -> None:
    api.fast = 1
    traffic.look()
    api.fast, api.slow = 91, 10
    traffic.look()
    api.fast, api.slow = 92, 10
    traffic.look()
    assert [point.latency_p95_ms for point in traffic.of("toylate", minutes=1)][-1] == pytest.approx(95)
    assert traffic.p95_ms("toylate", minutes=1) == pytest.approx(200 + 300 * (0.95 * 102 - 92) / 10)
    assert traffic.p95_ms("toylate", minutes=0) is None


def test_health_checks_are_no_traffic(api: Api, traffic: Traffic) -> None:
    api.checks = 50
    traffic.look()
    [point] = traffic.of("toylate", minutes=1)
    assert (point.requests, point.latency_p50_ms) == (0, None)


def test_an_api_that_started_anew_counts_from_its_start(api: Api, traffic: Traffic) -> None:
    api.fast = 100
    traffic.look()
    api.fast = 7
    traffic.look()
    assert [point.requests for point in traffic.of("toylate", minutes=1)] == [100, 7]


@pytest.mark.parametrize("status", [500, 404])
def test_an_api_that_is_down_is_a_point_that_says_so_and_nothing_is_lost(
    api: Api, traffic: Traffic, status: int
) -> None:
    api.status, api.fast = status, 40
    traffic.look()
    assert traffic.up == {"toylate": False}
    api.status = 200
    traffic.look()
    down, up = traffic.of("toylate", minutes=1)
    assert (down.up, down.requests) == (False, 0)
    assert (up.up, up.requests) == (True, 40)
    assert traffic.up == {"toylate": True}


def test_one_api_that_is_away_keeps_no_other_from_being_looked_at(api: Api) -> None:
    traffic = Traffic({"away": "http://127.0.0.1:9", "toylate": api.address})
    traffic.look()
    assert traffic.up == {"away": False, "toylate": True}


def test_as_many_points_are_kept_as_it_was_told(api: Api, traffic: Traffic) -> None:
    for number in range(1, 9):
        api.fast = number * 10
        traffic.look()
    assert len(traffic.of("toylate", minutes=60)) == 5


def test_only_the_last_minutes_are_shown(api: Api, traffic: Traffic) -> None:
    traffic.look()
    [point] = traffic.of("toylate", minutes=1)
    object.__setattr__(point, "at", point.at - timedelta(minutes=30))
    assert traffic.of("toylate", minutes=10) == []
    assert traffic.of("toylate", minutes=31) == [point]


def test_what_is_no_api_is_down(api: Api) -> None:
    api.text = lambda: "<html>\xff{{{"  # type: ignore[method-assign]
    assert read_samples(api.address) is None


def test_the_points_are_served_flat(watch: Watch, api: Api) -> None:
    watch.service.traffic._addresses = {"toylate": api.address}
    watch.service.traffic.look()
    api.fast = 4
    watch.service.traffic.look()
    said = watch.json("/traffic?project=toylate&minutes=5")
    assert said["interval_seconds"] == 10.0
    [point] = said["points"]
    assert point["at"].endswith("Z")
    assert (point["requests"], point["up"]) == (4, True)
    assert 'monitoring_api_up{project="toylate"} 1.0' in watch.metrics()


def test_a_real_api_is_understood(tmp_path_factory: pytest.TempPathFactory) -> None:
    from services import installed

    spec: ModelSpec = installed(tmp_path_factory.mktemp("served") / "toylate")
    with running(spec) as service:
        traffic = Traffic({"toylate": f"http://127.0.0.1:{service.port}"})
        traffic.look()
        with service.client() as client:
            for row in orders(25):
                client.post("/predict", json=row)
            client.post("/predict", json={})
        traffic.look()
    [point] = traffic.of("toylate", minutes=1)
    assert (point.requests, point.errors_4xx, point.errors_5xx, point.predictions) == (26, 1, 0, 25)
    assert point.latency_p95_ms is not None
    assert 0 < point.latency_p95_ms < 1000
