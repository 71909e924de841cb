"""Which bundle a worker serves: the cached champion, else the last promoted local model, else none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from portfolio.bundle import load, read_trust
from portfolio.bundle.pointer import pointers, read_current
from portfolio.errors import BundleError
from portfolio.logs import logger
from portfolio.serving.live import Failure, Loaded, State
from portfolio.settings import read_config, read_settings
from portfolio.spec import ModelSpec

log = logger(__name__)


def resolve(spec: ModelSpec) -> State:
    """Load the first good bundle; a refused one is logged and kept as the state's failure."""
    options = read_config(spec.root / "configs" / "config.yaml").response
    trust, failure = read_trust(read_settings()), None
    for pointer in pointers(spec.root):
        current = read_current(pointer)
        if current is None:
            _note_unreadable(pointer)
            continue
        bundle = pointer.parent / current.bundle
        try:
            scorer = load(bundle, spec, trust)
        except BundleError as error:
            failure = Failure(str(bundle), str(error), datetime.now(UTC).isoformat())
            log.error("bundle refused", bundle=failure.bundle, reason=failure.reason)
            continue
        log.info("model loaded", bundle=str(scorer.directory), model_version=current.model_version)
        return State(Loaded(scorer, current, options), failure)
    log.warning("serving without a model", remedy=f"make train PROJECT={spec.name}")
    return State(None, failure)


def _note_unreadable(pointer: Path) -> None:
    if pointer.exists():
        log.error("pointer is not readable, so it is passed over", pointer=str(pointer))
