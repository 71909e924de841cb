"""A champion for every project: data, a training run and a signature, each where there is none."""

from __future__ import annotations

from portfolio import registry
from portfolio.data.source import has_raw
from portfolio.demo.stack import Stack
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec.projects import find_project

BLOCKED = 3  # exit code of `portfolio train`: a model was made, and the gate blocked it


def get_data(stack: Stack) -> None:
    """Fill the empty `data/raw`. What fails here says so itself, and again in its project's training."""
    missing = [api.name for api in stack.apis if not has_raw(find_project(api.name))]
    if missing:
        stack.console.print(f"getting data: {', '.join(missing)}")
        stack.run("data", ["portfolio", "data", *missing])


def without_champion(stack: Stack, settings: Settings) -> tuple[str, ...]:
    """The projects that the registry knows no champion of."""
    # MLflow is known to be up, but opens its database only now
    return tuple(api.name for api in stack.apis if registry.champion(api.name, settings.patient()) is None)


def train_all(stack: Stack, names: tuple[str, ...], *, quick: bool) -> dict[str, str]:
    """Train one after the other, as each takes every core; returns who got no champion, and why."""
    reasons = {name: _train(stack, name, quick=quick) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def signed_otherwise(stack: Stack, settings: Settings, key_id: str) -> tuple[RegisteredVersion, ...]:
    """Champions that this key has not signed: of a release before there were signatures, or of keys that are gone."""
    champions = (registry.champion(api.name, settings) for api in stack.apis)
    return tuple(version for version in champions if version and version.signed_by != key_id)


def sign_all(stack: Stack, versions: tuple[RegisteredVersion, ...]) -> dict[str, str]:
    """Promote champions once more, which signs them; returns of whom that was refused, and why."""
    reasons = {version.name: _sign(stack, version) for version in versions}
    return {name: reason for name, reason in reasons.items() if reason}


def _sign(stack: Stack, version: RegisteredVersion) -> str:
    stack.console.print(f"[bold]{version.name}[/]: the champion is not signed with the key here, signing")
    code = stack.run(f"signing of {version.name}", ["portfolio", "promote", version.name, "--version", version.version])
    return f"signing it ended with exit code {code}, see above" if code else ""


def _train(stack: Stack, name: str, *, quick: bool) -> str:
    stack.console.print(f"[bold]{name}[/]: no champion yet, training")
    code = stack.run(
        f"training of {name}", ["portfolio", "train", name, "--quick" if quick else "--demo", "--register-model"]
    )
    reason = {0: "", BLOCKED: "the gate blocked it"}.get(code, f"training ended with exit code {code}")
    if reason:
        stack.console.print(f"[bold red]{name}[/]: {reason}, see above; the others go on")
    return reason
