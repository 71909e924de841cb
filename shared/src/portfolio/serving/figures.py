"""What an API's counters come to: requests, errors and latencies by endpoint, predictions by outcome.

Quantiles are those of Prometheus' `histogram_quantile`: answers are taken to lie evenly inside the bucket that holds
the quantile, so one is as exact as its bucket is narrow; beyond the last bucket it is that bucket's upper bound.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client.core import Metric

from portfolio.serving.edge import ALWAYS
from portfolio.serving.metrics import DRY_RUN

REQUESTS, SECONDS, PREDICTIONS = "http_requests_total", "http_request_duration_seconds", "predictions_total"
BUCKET, SUM = f"{SECONDS}_bucket", f"{SECONDS}_sum"
LOOKING = {"/", "/stats", "/monitoring/stats", "/model/info", "/model/card", "/data", "/openapi.json", "/docs"}
READY = {"/v2/models/{model}/ready", "/v2/models/{model}/versions/{version}/ready"}
WATCHING = ALWAYS | LOOKING | READY | {"/admin/reload", DRY_RUN}
"""Endpoints of who watches, looks, operates or tries out; the Prometheus rules leave out the same."""
COUNTERS = frozenset({REQUESTS, BUCKET, SUM, PREDICTIONS})

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]
"""Counters by name and labels."""


@dataclass
class Durations:
    """A histogram of seconds: the answers up to each bound, cumulative, and the sum of all."""

    up_to: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    total: float = 0.0

    @property
    def mean(self) -> float | None:
        """Seconds; None where nothing was answered."""
        number = max(self.up_to.values(), default=0.0)
        return self.total / number if number else None

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share was answered, interpolated; None where nothing was answered."""
        bounds = sorted(self.up_to)
        counts = list(accumulate((self.up_to[bound] for bound in bounds), max))
        if not counts or not counts[-1]:
            return None
        at = bisect_left(counts, share * counts[-1])
        low, before = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
        if bounds[at] == float("inf"):
            return low
        return low + (bounds[at] - low) * (share * counts[-1] - before) / (counts[at] - before)


@dataclass
class Figures:
    """Of one endpoint, or of several together."""

    requests: float = 0.0
    errors_4xx: float = 0.0
    errors_5xx: float = 0.0
    durations: Durations = field(default_factory=Durations)

    @property
    def error_rate(self) -> float | None:
        """The share of 5xx; None where nothing was answered. A 4xx is the client's own mistake."""
        return self.errors_5xx / self.requests if self.requests else None


def read_counters(families: Iterable[Metric]) -> Samples:
    """The counters that figures are made of."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name in COUNTERS
    }


def since(before: Samples, now: Samples) -> Samples:
    """What was counted between two looks. Counters that fell began anew: all that they say is new then."""
    if any(now.get(key, 0.0) < value for key, value in before.items()):
        return now
    return {key: value - before.get(key, 0.0) for key, value in now.items()}


def by_endpoint(samples: Samples) -> dict[str, Figures]:
    """Figures of every endpoint that was asked, by its route template."""
    found: dict[str, Figures] = defaultdict(Figures)
    for (name, labels), value in samples.items():
        named = dict(labels)
        if name != PREDICTIONS:
            _add(found[named["endpoint"]], name, named, value)
    return {endpoint: found[endpoint] for endpoint in sorted(found) if found[endpoint].requests}


def together(each: Iterable[Figures]) -> Figures:
    """The sum of several."""
    summed = Figures()
    for one in each:
        summed.requests += one.requests
        summed.errors_4xx += one.errors_4xx
        summed.errors_5xx += one.errors_5xx
        summed.durations.total += one.durations.total
        for bound, number in one.durations.up_to.items():
            summed.durations.up_to[bound] += number
    return summed


def served(endpoints: Mapping[str, Figures]) -> Figures:
    """Of all endpoints but those that are asked by who only watches, tries out or operates, such as health checks."""
    return together(figures for endpoint, figures in endpoints.items() if endpoint not in WATCHING)


def predictions(samples: Samples) -> dict[str, int]:
    """Predictions by outcome."""
    return {dict(labels)["outcome"]: int(value) for (name, labels), value in samples.items() if name == PREDICTIONS}


def milliseconds(seconds: float | None) -> float | None:
    """With three places."""
    return None if seconds is None else round(1000 * seconds, 3)


def _add(figures: Figures, name: str, labels: Mapping[str, str], value: float) -> None:
    if name == BUCKET:
        figures.durations.up_to[float(labels["le"])] += value
    elif name == SUM:
        figures.durations.total += value
    else:
        figures.requests += value
        figures.errors_4xx += value * (labels["status"] == "4xx")
        figures.errors_5xx += value * (labels["status"] == "5xx")
