"""The verbs of MLflow's deprecated stages, for people who know those."""

from __future__ import annotations

from portfolio.errors import ConfigError
from portfolio.promotion.archive import archive, challenge
from portfolio.promotion.flow import promote
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


def move_to(stage: str, spec: ModelSpec, version: int | str, settings: Settings, *, archive_current: bool) -> str:
    """Bring a version to a stage, in any case; returns what came of it as a sentence. Raises as `promote` does."""
    match stage.strip().lower():
        case "production":
            return promote(spec, version, settings, archive_current=archive_current).sentence
        case "staging":
            return f"{spec.name}: version {challenge(spec, version, settings).version} is the challenger"
        case "archived":
            return f"{spec.name}: version {archive(spec, version, settings).version} is archived"
    raise ConfigError(f"There is no stage {stage!r}.", remedy="Production, Staging or Archived.")
