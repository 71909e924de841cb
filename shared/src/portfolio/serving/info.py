"""What a service says about itself and its model."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from portfolio.serving.service import Service

FROM_MANIFEST = {
    "created", "family", "task", "metrics", "slices", "importance", "params", "threshold", "calibration", "interval",
    "repeatable", "train_rows", "test_rows", "git_commit", "features_fingerprint", "libraries",
}  # fmt: skip


def home(service: Service) -> dict[str, Any]:
    """The front page."""
    links = {"docs": "/docs", "predict": "/predict", "model": "/model/info", "health": "/health", "metrics": "/metrics"}
    spec = service.spec
    return {"name": spec.name, "title": spec.title, "version": service.version, "links": links}


def health(service: Service) -> tuple[int, dict[str, Any]]:
    """(status, body): 200 where predictions can be answered, else 503."""
    model = service.live.state.model
    return 200 if model else 503, {
        "status": "healthy" if model else "unhealthy",
        "version": service.version,
        "model_loaded": model is not None,
        "model_name": service.spec.name,
        "model_version": model.current.model_version if model else None,
        "uptime_seconds": round(time.monotonic() - service.started, 3),
    }


def readiness(service: Service) -> tuple[int, dict[str, Any]]:
    """(status, body): whether traffic should come here."""
    if service.drain.begun:
        return 503, {"status": "draining"}
    ready = service.live.state.model is not None
    return 200 if ready else 503, {"status": "ready" if ready else "not ready"}


def model_info(service: Service) -> dict[str, Any]:
    """The live model's origin and measured quality; raises ModelNotAvailable."""
    model, failure = service.live.require(), service.live.state.failure
    manifest, current = model.scorer.manifest, model.current
    data = manifest.data
    return {
        "name": manifest.name,
        "title": service.spec.title,
        "model_version": current.model_version,
        "bundle_version": manifest.version,
        "source": current.source,
        "since": current.since,
        **manifest.model_dump(mode="json", include=FROM_MANIFEST),
        "data": {**data.model_dump(mode="json"), "label": data.label},
        "features": {"numeric": manifest.numeric, "categorical": manifest.categorical},
        "parity": {**manifest.parity.model_dump(mode="json"), "passed": manifest.parity.passed},
        "last_refused": asdict(failure) if failure else None,
    }
