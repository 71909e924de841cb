"""The projects that are installed: they announce themselves by an entry point, so no list of them exists anywhere."""

from __future__ import annotations

from importlib.metadata import entry_points

from portfolio.errors import ConfigError
from portfolio.spec.model import ModelSpec

GROUP = "portfolio.projects"


def project_names() -> tuple[str, ...]:
    """Names of the installed projects, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def only_project() -> str:
    """The name of the installed project where there is one alone, as in an image; ConfigError lists what there is."""
    names = project_names()
    if len(names) != 1:
        raise ConfigError(f"Which project? Installed: {', '.join(names) or 'none'}.", remedy="Name one.")
    return names[0]


def find_project(name: str) -> ModelSpec:
    """The spec of an installed project; ConfigError lists what there is."""
    for entry in entry_points(group=GROUP, name=name):
        spec: ModelSpec = entry.load()
        return spec
    known = ", ".join(project_names()) or "none"
    raise ConfigError(f"There is no project {name!r}; installed: {known}.", remedy="Check the name, or `make install`.")
