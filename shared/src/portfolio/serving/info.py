"""What a service says about itself and its model."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from portfolio.errors import ModelNotAvailable
from portfolio.serving.board import Failure
from portfolio.serving.live import Loaded
from portfolio.serving.service import Service

FROM_MANIFEST = {
    "created", "family", "task", "metrics", "slices", "slice_sizes", "importance", "params", "threshold", "calibration",
    "interval", "curves", "repeatable", "train_rows", "test_rows", "git_commit", "features_fingerprint", "libraries",
}  # fmt: skip


def home(service: Service) -> dict[str, Any]:
    """The front page."""
    named = ("docs", "predict", "health", "metrics", "stats")
    links = {"model": "/model/info", **{name: f"/{name}" for name in named}}
    spec = service.spec
    return {"name": spec.name, "title": spec.title, "version": service.code.version, "links": links}


def health(service: Service) -> tuple[int, dict[str, Any]]:
    """(status, body): 200 where predictions can be answered, else 503."""
    model = service.live.state.model
    return 200 if model else 503, {
        "status": "healthy" if model else "unhealthy",
        "version": service.code.version,
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
    """The live model's origin and measured quality, and how its service follows; reads files of the service.

    Raises ModelNotAvailable, which names the last failure.
    """
    failure = _last_failure(service)
    model = _require(service, failure)
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
        "follows_registry": service.board.followed,
        "live_versions": sorted({notice.model_version for notice in service.board.notices() if notice.model_version}),
        "last_failure": asdict(failure) if failure else None,
        "code": asdict(service.code),
    }


def _require(service: Service, failure: Failure | None) -> Loaded:
    try:
        return service.live.require()
    except ModelNotAvailable as error:
        if failure is None:
            raise
        why = f"Version {failure.model_version} did not go live ({failure.stage}, {failure.reason}): {failure.detail}"
        raise ModelNotAvailable(f"{error.detail} {why}", remedy=error.remedy) from None


def _last_failure(service: Service) -> Failure | None:
    """The last of the sidecar's and of every worker's."""
    attempt = service.board.attempt()
    said = (attempt, service.live.state, *service.board.notices())
    return max((each.failure for each in said if each and each.failure), key=lambda failure: failure.at, default=None)
