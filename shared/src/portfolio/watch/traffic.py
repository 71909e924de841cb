"""Traffic over time without Prometheus: each API's /metrics is read every few seconds, the differences are kept."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from threading import Event, Thread
from urllib.request import ProxyHandler, build_opener

from prometheus_client.parser import text_string_to_metric_families

from portfolio import logs
from portfolio.serving.figures import (
    Figures,
    Samples,
    by_endpoint,
    milliseconds,
    predictions,
    read_counters,
    served,
    since,
    together,
)

SECONDS = 10.0
KEPT = 8640  # a day
ANSWER_SECONDS = 2.0

log = logs.logger(__name__)


@dataclass(frozen=True)
class Point:
    """What an API answered clients in the `seconds` before `at`. All are zero where it is not up.

    Latencies are interpolated inside the buckets of its histogram; null where nothing was asked.
    """

    at: datetime
    up: bool
    seconds: float = 0.0
    requests: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    predictions: int = 0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None


@dataclass(frozen=True)
class Reading:
    """A point, and the figures that it is made of."""

    point: Point
    figures: Figures


@dataclass(frozen=True)
class Look:
    """Counters at one moment of the monotonic clock."""

    time: float
    samples: Samples


class Traffic:
    """Looks at each address (of an API, by project) every `seconds`, and keeps as many points of each as `kept`."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        *,
        seconds: float = SECONDS,
        kept: int = KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self._addresses, self._clock = addresses, clock
        self._readings: dict[str, deque[Reading]] = {name: deque(maxlen=kept) for name in addresses}
        self._before: dict[str, Look] = {}
        self._up: dict[str, bool] = {}
        self._over = Event()
        self._thread = Thread(target=self._go_on, name="traffic", daemon=True)

    @property
    def up(self) -> Mapping[str, bool]:
        """Whether each API answered at the last look."""
        return dict(self._up)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at the latest after the answer that is waited for."""
        self._over.set()
        self._thread.join(ANSWER_SECONDS * (len(self._addresses) + 1))

    def of(self, project: str, *, minutes: float) -> list[Point]:
        """The points of the last minutes, oldest first."""
        return [reading.point for reading in self._last(project, minutes)]

    def p95_ms(self, project: str, *, minutes: float) -> float | None:
        """Over all requests of the last minutes; None where there were none."""
        figures = together(reading.figures for reading in self._last(project, minutes))
        return milliseconds(figures.durations.quantile(0.95))

    def look(self) -> None:
        """Ask every API once."""
        for project, address in self._addresses.items():
            samples = read_samples(address)
            self._up[project] = samples is not None
            if samples is None:
                self._readings[project].append(Reading(Point(datetime.now(UTC), up=False), Figures()))
                continue
            now, before = Look(self._clock(), samples), self._before.get(project)
            self._before[project] = now
            if before:
                self._readings[project].append(_reading(before, now))

    def _last(self, project: str, minutes: float) -> list[Reading]:
        first = datetime.now(UTC) - timedelta(minutes=minutes)
        return [reading for reading in tuple(self._readings[project]) if reading.point.at >= first]

    def _go_on(self) -> None:
        while not self._over.is_set():
            began = self._clock()
            try:
                self.look()
            except Exception:  # what one API says must not end the looking at all
                log.exception("an API's metrics could not be read")
            self._over.wait(max(0.0, began + self.seconds - self._clock()))


def read_samples(address: str) -> Samples | None:
    """The counters of an API; None where it does not answer as one."""
    direct = build_opener(ProxyHandler({}))  # a proxy in the environment is for other machines
    try:
        with direct.open(f"{address}/metrics", timeout=ANSWER_SECONDS) as answer:
            return read_counters(text_string_to_metric_families(answer.read().decode()))
    except (OSError, ValueError, HTTPException):
        return None


def _reading(before: Look, now: Look) -> Reading:
    new = since(before.samples, now.samples)
    figures = served(by_endpoint(new))
    p50, p95 = (milliseconds(figures.durations.quantile(share)) for share in (0.5, 0.95))
    point = Point(
        at=datetime.now(UTC),
        up=True,
        seconds=round(now.time - before.time, 3),
        requests=int(figures.requests),
        errors_4xx=int(figures.errors_4xx),
        errors_5xx=int(figures.errors_5xx),
        predictions=sum(predictions(new).values()),
        latency_p50_ms=p50,
        latency_p95_ms=p95,
    )
    return Reading(point, figures)
