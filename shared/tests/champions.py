"""Versions of toys in a registry, and who is champion."""

from __future__ import annotations

from toys import write_candidate

from portfolio import registry
from portfolio.bundle import ANYONE, seal, verify
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


def registered(
    settings: Settings, spec: ModelSpec, name: str, *, seed: int = 0, verdict: str = "promote"
) -> RegisteredVersion:
    """A candidate of the gate's verdict, registered as the next version."""
    bundle = write_candidate(spec, spec.root / "made" / name, seed=seed)
    plots = spec.root / "plots"
    plots.mkdir(exist_ok=True)
    return registry.register(
        settings, verify(bundle, ANYONE), bundle=bundle, artifacts=plots, tags={"verdict": verdict}
    )


def registered_as(settings: Settings, spec: ModelSpec, name: str, **facts: object) -> RegisteredVersion:
    """A version whose manifest says something else than toys do."""
    bundle = write_candidate(spec, spec.root / "made" / name)
    manifest = seal(bundle, verify(bundle, ANYONE).model_copy(update=facts))
    return registry.register(
        settings, manifest, bundle=bundle, artifacts=spec.root / "plots", tags={"verdict": "promote"}
    )


def several(settings: Settings, spec: ModelSpec, count: int) -> None:
    """Versions 1 to `count`."""
    for number in range(1, count + 1):
        registered(settings, spec, f"v{number}", seed=number)


def champion(spec: ModelSpec, settings: Settings) -> RegisteredVersion:
    """Who has to be there."""
    found = registry.champion(spec.name, settings)
    assert found is not None
    return found


def alias(settings: Settings, spec: ModelSpec, name: str) -> str:
    """The version that has an alias; empty where none has."""
    found = registry.pointed(spec.name, name, settings)
    return found.version if found else ""
