"""Which bundle a worker serves: the cached champion, else the last promoted local model, else what it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from portfolio.bundle import load, read_trust
from portfolio.bundle.files import manifest_digest
from portfolio.errors import BundleError
from portfolio.logs import logger
from portfolio.pointer import Current, pointers, read_current
from portfolio.serving.board import Failure
from portfolio.serving.live import Loaded, State
from portfolio.settings import read_config, read_settings
from portfolio.spec import ModelSpec

log = logger(__name__)

NOTHING = State()


def resolve(spec: ModelSpec, before: State = NOTHING) -> State:
    """The state that the pointers ask for. The first good bundle is served; a refused one is logged and remembered.

    A worker that serves already leaves its model only for a better one: where the pointer that named it now names
    a bundle that is refused, or can't be read, the model stays.
    """
    options = before.model.options if before.model else read_config(spec.root / "configs" / "config.yaml").response
    state = before
    for pointer in pointers(spec.root):
        current = read_current(pointer)
        if current:
            state = _follow(state, pointer.parent / current.bundle, current, spec, options)
        elif pointer.exists():
            log.error("pointer is not readable, so it is passed over", pointer=str(pointer))
        else:
            continue
        if state.model and state.model.scorer.directory.parent == pointer.parent:
            _note_outranked(spec, state.model.current)
            return state
    if state.model is None:
        log.warning("serving without a model", remedy=f"make train PROJECT={spec.name}")
    return state


def wanted(spec: ModelSpec) -> tuple[Path, Current] | None:
    """(bundle, what names it) that the first readable pointer asks for, good or not."""
    named = ((pointer, read_current(pointer)) for pointer in pointers(spec.root))
    return next(((pointer.parent / current.bundle, current) for pointer, current in named if current), None)


def _follow(state: State, bundle: Path, current: Current, spec: ModelSpec, options: Mapping[str, Any]) -> State:
    """The state with this bundle live, from memory where it is there; or the state with its refusal."""
    if state.model and (state.model.scorer.directory, state.model.current) == (bundle, current):
        return state
    kept = state.remembered(bundle)
    try:
        model = replace(kept, current=current) if kept else _load(bundle, current, spec, options)
    except BundleError as error:
        log.error("bundle refused", bundle=str(bundle), model_version=current.model_version, reason=str(error))
        failure = Failure(current.model_version, current.bundle, "load", error.reason, str(error))
        return replace(state, failure=failure)
    said = "model taken from memory" if kept else "model loaded"
    log.info(said, bundle=str(bundle), model_version=current.model_version)
    return _swapped(state, model)


def _note_outranked(spec: ModelSpec, live: Current) -> None:
    """Tell who has just trained why nothing changed: the registry's champion comes first, however old."""
    local = read_current(pointers(spec.root)[1])
    if live.source == "registry" and local and local.since > live.since:
        log.info(
            "a newer local model is not served: the cached champion comes first",
            local=local.model_version,
            champion=live.model_version,
            remedy="promote it in the registry, or remove the project's cache folder",
        )


def _load(bundle: Path, current: Current, spec: ModelSpec, options: Mapping[str, Any]) -> Loaded:
    trust = read_trust(read_settings())
    digest = manifest_digest(bundle)
    try:
        return Loaded(load(bundle, spec, trust, pinned=digest), digest, current, options)
    except OSError as error:  # removed, or out of reach, between two reads
        raise BundleError(f"{bundle} can't be read: {error}.", reason="altered") from None


def _swapped(state: State, model: Loaded) -> State:
    # a version that is merely named anew has not replaced anything
    same = state.model is not None and state.model.scorer is model.scorer
    return replace(state, model=model, previous=state.previous if same else state.model)
