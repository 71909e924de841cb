"""What Prometheus is told: the last runs, whether the service still looks, and its own requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from portfolio.store import MonitoringRun
from portfolio.watch.found import Kind, Last, labels, metrics, psi, state
from portfolio.watch.rounds import Rounds
from portfolio.watch.traffic import Traffic

DECISIONS = ("ok", "watch", "retrain", "roll back", "unknown")
STATES = ("ok", "watch", "act", "unknown")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
Gauges = Iterator[tuple[tuple[str, ...], float | None]]


class Metrics(Collector):
    """One scrape's view of the service."""

    def __init__(self, last: Last, rounds: Rounds, traffic: Traffic) -> None:
        self._last, self._rounds, self._traffic = last, rounds, traffic
        self._registry = CollectorRegistry()
        labels = ("method", "endpoint", "status")
        self._requests = Counter("http_requests", "Requests answered", labels, registry=self._registry)
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer",
            ("endpoint",),
            buckets=SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def requested(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answered request; `endpoint` is a route's template."""
        self._requests.labels(method, endpoint, f"{status // 100}xx").inc()
        self._seconds.labels(endpoint).observe(seconds)

    def render(self) -> bytes:
        """The exposition text; reads the store, so not on the event loop."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: asking for it at registration would open the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What is known of every project."""
        runs, failures = self._last.runs(), self._rounds.failures
        yield from _found(runs)
        yield from _ran(runs, failures)
        failed = CounterMetricFamily("monitoring_failed_runs", "Runs that could not be done", labels=("project",))
        for project, number in failures.items():
            failed.add_metric((project,), number)
        yield failed
        yield _gauge("monitoring_interval_seconds", "Between two rounds", (), iter([((), self._rounds.seconds)]))
        patience = iter([((), self._rounds.patience_seconds)])
        yield _gauge("monitoring_patience_seconds", "Without a run for longer, nobody looks", (), patience)
        up = (((project,), float(answers)) for project, answers in self._traffic.up.items())
        yield _gauge("monitoring_api_up", "1 where the API answered at the last look", ("project",), up)


def _found(runs: Mapping[str, MonitoringRun]) -> Iterator[Metric]:
    """What the last run of each project found."""
    yield _gauge(
        "model_prediction_drift",
        "PSI in the last run",
        ("project", "feature"),
        (((name, feature), value) for name, run in runs.items() for feature, value in psi(run).items()),
    )
    decided = (((name, each), float(run.decision == each)) for name, run in runs.items() for each in DECISIONS)
    yield _gauge("monitoring_decision", "1 for the last decision", ("project", "decision"), decided)
    judged = (((name, each), float(state(run) == each)) for name, run in runs.items() if state(run) for each in STATES)
    about = "1 for how the last run judged the performance on labels"
    yield _gauge("monitoring_performance_state", about, ("project", "state"), judged)
    yield _by_metric("monitoring_performance", "Measured on labelled predictions", _values(runs, "performance"))
    yield _by_metric("monitoring_estimated", "Estimated without labels", _values(runs, "estimate"))
    yield _by_metric("monitoring_reference", "Of the champion on its test rows", _references(runs))


def _ran(runs: Mapping[str, MonitoringRun], known: Mapping[str, int]) -> Iterator[Metric]:
    """One figure a project."""
    found = {name: labels(run) for name, run in runs.items()}
    for name, about, values in (
        ("monitoring_drifted_share", "Of columns", {n: run.findings.get("drifted_share") for n, run in runs.items()}),
        ("monitoring_label_coverage", "Of the window's predictions", {n: f.get("coverage") for n, f in found.items()}),
        ("monitoring_label_delay_seconds", "Median", {n: f.get("delay_seconds") for n, f in found.items()}),
        ("monitoring_window_predictions", "In the last run", {n: float(run.rows) for n, run in runs.items()}),
        ("monitoring_run_seconds", "Of the last run", {n: run.seconds for n, run in runs.items()}),
        (
            "monitoring_last_run_timestamp_seconds",
            "When it ended; 0 before the first",
            dict.fromkeys(known, 0.0) | {n: run.at.timestamp() + run.seconds for n, run in runs.items()},
        ),
    ):
        yield _gauge(name, about, ("project",), (((project,), value) for project, value in values.items()))


def _values(runs: Mapping[str, MonitoringRun], kind: Kind) -> Gauges:
    for project, run in runs.items():
        for name, found in metrics(run, kind).items():
            yield (project, name), found.get("value")


def _references(runs: Mapping[str, MonitoringRun]) -> Gauges:
    for project, run in runs.items():
        for name, found in {**metrics(run, "estimate"), **metrics(run, "performance")}.items():
            yield (project, name), found.get("reference")


def _by_metric(name: str, about: str, values: Gauges) -> Metric:
    return _gauge(name, about, ("project", "metric"), values)


def _gauge(name: str, about: str, labels: tuple[str, ...], values: Gauges) -> Metric:
    """What is known; a value that is not known is not shown."""
    gauge = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values:
        if value is not None:
            gauge.add_metric(key, value)
    return gauge
