"""Every version at a glance: a few questions for all of them, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portfolio.registry.ask import RegisteredVersion, answer, version_of
from portfolio.settings import Settings

PAGE = 200


@dataclass(frozen=True)
class Listed:
    """A version with its aliases, when it was registered, and the name of its data."""

    version: RegisteredVersion
    aliases: tuple[str, ...]
    created: datetime
    data: str


def list_versions(settings: Settings, *, name: str = "") -> tuple[Listed, ...]:
    """A model's versions, or those of all, by name and newest first. Raises RegistryError."""
    query = {"filter": f"name='{name}'"} if name else {}
    aliases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for model in _pages(settings, "registered-models/search", query, found="registered_models"):
        for each in model.get("aliases", ()):
            aliases[model["name"], str(each["version"])].append(each["alias"])
    found = [
        _listed(each, tuple(sorted(aliases[each["name"], str(each["version"])])))
        for each in _pages(settings, "model-versions/search", query, found="model_versions")
    ]
    return tuple(sorted(found, key=lambda each: (each.version.name, -int(each.version.version))))


def read_metrics(name: str, settings: Settings) -> dict[str, dict[str, float]]:
    """The metrics of every run of a project, by the run's id. Raises RegistryError."""
    experiment = answer(settings, "experiments/get-by-name", query={"experiment_name": name})
    if experiment is None:
        return {}
    wanted = {"experiment_ids": [experiment["experiment"]["experiment_id"]]}
    return {
        run["info"]["run_id"]: {each["key"]: float(each["value"]) for each in run["data"].get("metrics", ())}
        for run in _pages(settings, "runs/search", wanted, found="runs", post=True)
    }


def _pages(
    settings: Settings, path: str, query: Mapping[str, Any], *, found: str, post: bool = False
) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        wanted = {**query, "max_results": PAGE, **({"page_token": token} if token else {})}
        page = answer(settings, path, body=wanted) if post else answer(settings, path, query=wanted)
        yield from (page or {}).get(found, ())
        token = (page or {}).get("next_page_token", "")
        if not token:
            return


def _listed(found: Mapping[str, Any], aliases: tuple[str, ...]) -> Listed:
    tags = {tag["key"]: tag["value"] for tag in found.get("tags", ())}
    created = datetime.fromtimestamp(int(found.get("creation_timestamp", 0)) / 1000, UTC)
    return Listed(version_of(found, found["name"]), aliases, created, tags.get("data", ""))
