"""Metrics of one application. Label values are bounded: never an id or a raw path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import get_args

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from portfolio.predictions.journal import Journal, Loss
from portfolio.serving import journaled
from portfolio.serving.board import Board, Reason, Stage
from portfolio.serving.tally import Counts, Spread, Tally
from portfolio.serving.watched import Watched
from portfolio.spec import BinaryOutcome, ModelSpec, Outcome, Regression

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
UNMATCHED, DRY_RUN = "unmatched", "dry_run"
"""Endpoints that are no paths: what no route takes, and what is tried out, wherever."""
PREDICT = ("/predict", "/predict/batch")
"""Shown from the start: of a series that is new, Prometheus does not see that it rose."""
FAILURES = "model_load_failures"
DECIDED, VALUE = (("0",), ("1",)), ("value",)
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
PROBABILITIES = tuple(round(0.05 * step, 2) for step in range(1, 21))


class Metrics(Collector):
    """Counters that the edge and the flow add to, once `open` was called."""

    def __init__(self, spec: ModelSpec, board: Board) -> None:
        self._spec, self._board = spec, board

    def open(self, endpoints: Iterable[str], journal: Journal | None = None) -> None:
        """Make room for counters of these route templates, beside those of the service's other workers."""
        self._journal = journal
        paths = sorted({*endpoints, UNMATCHED, DRY_RUN})
        outcomes = [label for (label,) in ((VALUE,) if isinstance(self._spec.task, Regression) else DECIDED)]
        asked = [("POST", path, status) for path in PREDICT if path in paths for status in ("2xx", "4xx", "5xx")]
        self._requests = Counts(
            "http_requests",
            "Requests answered",
            {"method": METHODS, "endpoint": paths, "status": CLASSES},
            zeros=asked,
        )
        self._seconds = Spread("http_request_duration_seconds", "Time to answer", SECONDS, {"endpoint": paths})
        self._predictions = Counts("predictions", "Predictions by outcome", {"outcome": outcomes})
        self._values = _values(self._spec)
        self._failures = Counts(
            FAILURES,
            "Attempts to make a version live that failed",
            {"stage": get_args(Stage), "reason": get_args(Reason)},
            zeros=product(get_args(Stage), get_args(Reason)),
        )
        self._kept = Counts("journal_predictions", "Predictions that are in the journal's files", {}, zeros=[()])
        lost = "Predictions that the store will not see"
        self._lost = Counts("journal_lost", lost, {"reason": get_args(Loss)}, zeros=product(get_args(Loss)))
        refused = "Predictions that were refused as they could not be kept"
        self._refused = Counts("journal_refused", refused, {"reason": get_args(Loss)}, zeros=product(get_args(Loss)))
        blocks = (self._requests, self._seconds, self._predictions, self._values, self._failures)
        keeping = (self._kept, self._lost, self._refused) if journal else ()
        self._tally = Tally((*blocks, *keeping), self._board.folder)

    def requested(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answered request; `endpoint` is a route's template."""
        self._requests.add((method if method in METHODS else "other", endpoint, CLASSES[status // 100 - 1]))
        self._seconds.observe((endpoint,), seconds)

    def predicted(self, outcomes: Sequence[Outcome]) -> None:
        """Count predictions."""
        for outcome in outcomes:
            self._predictions.add(DECIDED[outcome.decision] if isinstance(outcome, BinaryOutcome) else VALUE)
            self._values.observe((), outcome[0])  # the probability, or the amount

    def load_failed(self, reason: Reason) -> None:
        """Count a bundle that this worker refused; the sidecar counts what it could not bring."""
        self._failures.add(("load", reason))

    def kept(self, number: int) -> None:
        """Count predictions that are in the journal."""
        self._kept.add((), number)

    def lost(self, reason: Loss, number: int) -> None:
        """Count predictions that the journal can't hold."""
        self._lost.add((reason,), number)

    def refused(self, reason: Loss, number: int) -> None:
        """Count predictions that were refused, as the journal can't hold them."""
        self._refused.add((reason,), number)

    def render(self) -> bytes:
        """The exposition text; takes milliseconds, so not on the event loop."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Every metric, over all workers."""
        for family in self._tally.families():
            yield self._with_attempts(family) if family.name == FAILURES else family
        if self._journal:
            yield from journaled.metrics(self._journal, self._board.shipment())
        yield from self._models()
        yield from _drift(self._board.watched())
        yield from _processes(self._tally.workers())

    def _with_attempts(self, family: Metric) -> Metric:
        """The failures that workers counted, and those of the sidecar."""
        attempt = self._board.attempt()
        failures = attempt.failures if attempt else {}
        for place, sample in enumerate(family.samples):
            more = failures.get(sample.labels["stage"], {}).get(sample.labels["reason"], 0)  # type: ignore[call-overload]
            family.samples[place] = sample._replace(value=sample.value + more)
        return family

    def _models(self) -> Iterator[Metric]:
        notices = self._board.notices()
        loaded = GaugeMetricFamily("model_loaded", "1 while every worker has a model")
        loaded.add_metric((), float(bool(notices) and all(notice.bundle for notice in notices)))
        info = GaugeMetricFamily("model_info", "What workers serve", labels=("name", "version", "data"))
        for live in sorted({(n.name, n.model_version, n.data) for n in notices if n.model_version is not None}):
            info.add_metric(live, 1)
        yield loaded
        yield info


def _drift(watched: Watched | None) -> Iterator[Metric]:
    """By the last monitoring run; nothing before one, and no number of columns where it judged none."""
    if watched is None or watched.run is None:
        return
    drift = GaugeMetricFamily("model_prediction_drift", "PSI in the last monitoring run", labels=("feature",))
    for feature, psi in watched.drift.items():
        drift.add_metric((feature,), psi)
    yield drift
    if watched.alerts is not None:
        alerts = GaugeMetricFamily("model_drift_alerts", "Columns that drifted in the last monitoring run")
        alerts.add_metric((), len(watched.alerts))
        yield alerts


def _values(spec: ModelSpec) -> Spread:
    if isinstance(spec.task, Regression):
        bounds = tuple(float(f"{edge:.2g}") for edge in np.geomspace(*spec.task.within, 20))
        return Spread("prediction_value", f"Predicted amount, {spec.task.unit}", bounds, {})
    return Spread("prediction_probability", "Predicted probability", PROBABILITIES, {})


def _processes(workers: Iterable[int]) -> Iterator[Metric]:
    """The client library's figures of each worker, as one: sums, but for what is a time or a limit."""
    each = [ProcessCollector(pid=partial(int, worker), registry=CollectorRegistry()).collect() for worker in workers]
    for families in zip(*each, strict=False):  # a worker that just ended has none
        first, values = families[0], [family.samples[0].value for family in families]
        value = min(values) if first.name in ("process_start_time_seconds", "process_max_fds") else sum(values)
        first.samples[:] = [first.samples[0]._replace(value=value)]
        yield first
