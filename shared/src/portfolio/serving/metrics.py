"""Metrics of one application, in a registry of its own. Label values are bounded: never an id or a raw path."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Sequence

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from portfolio.serving.live import Loaded
from portfolio.spec import BinaryOutcome, ModelSpec, Outcome, Regression

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
PROBABILITIES = tuple(round(0.05 * step, 2) for step in range(1, 21))


class Metrics:
    """Counters that the edge and the flow add to."""

    def __init__(self, spec: ModelSpec) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "http_requests", "Requests answered", ("method", "endpoint", "status"), registry=registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds", "Time to answer", ("endpoint",), buckets=SECONDS, registry=registry
        )
        predictions = Counter("predictions", "Predictions by outcome", ("outcome",), registry=registry)
        labels = ("value",) if isinstance(spec.task, Regression) else ("0", "1")
        self._predictions = {label: predictions.labels(label) for label in labels}
        self._values = _values(spec, registry)
        self._loaded = Gauge("model_loaded", "1 while a model is loaded", registry=registry)
        self._info = Gauge("model_info", "The model that is live", ("name", "version", "data"), registry=registry)
        self._bound_requests: dict[tuple[str, str, int], Counter] = {}
        self._bound_seconds: dict[str, Histogram] = {}

    def requested(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answered request; `endpoint` is a route's template."""
        key = (method, endpoint, status // 100)
        bound = self._bound_requests.get(key)
        (bound or self._bind(key)).inc()
        self._bound_seconds[endpoint].observe(seconds)

    def predicted(self, outcomes: Sequence[Outcome]) -> None:
        """Count predictions."""
        for label, number in Count(map(_label, outcomes)).items():
            self._predictions[label].inc(number)
        for outcome in outcomes:
            self._values.observe(outcome.probability if isinstance(outcome, BinaryOutcome) else outcome.value)

    def serving(self, model: Loaded | None) -> None:
        """Show which model is live."""
        self._loaded.set(model is not None)
        self._info.clear()
        if model is not None:
            manifest = model.scorer.manifest
            self._info.labels(manifest.name, model.current.model_version, manifest.data.label).set(1)

    def render(self) -> bytes:
        """The exposition text; takes milliseconds, so not on the event loop."""
        return generate_latest(self.registry)

    def _bind(self, key: tuple[str, str, int]) -> Counter:
        method, endpoint, hundred = key
        known = method if method in METHODS else "other"
        bound = self._requests.labels(known, endpoint, f"{hundred}xx")
        self._bound_seconds[endpoint] = self._seconds.labels(endpoint)
        if known == method:  # a made-up method must not grow the table
            self._bound_requests[key] = bound
        return bound


def _label(outcome: Outcome) -> str:
    return str(outcome.decision) if isinstance(outcome, BinaryOutcome) else "value"


def _values(spec: ModelSpec, registry: CollectorRegistry) -> Histogram:
    if isinstance(spec.task, Regression):
        buckets = tuple(float(f"{edge:.2g}") for edge in np.geomspace(*spec.task.within, 20))
        return Histogram("prediction_value", f"Predicted amount, {spec.task.unit}", buckets=buckets, registry=registry)
    return Histogram("prediction_probability", "Predicted probability", buckets=PROBABILITIES, registry=registry)
