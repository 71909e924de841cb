"""Whom a command is about."""

from __future__ import annotations

from typing import Annotated

import typer

from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project, project_names

Names = Annotated[list[str] | None, typer.Argument(metavar="[PROJECT]...", help="Projects; all when left out.")]
Name = Annotated[str, typer.Argument(metavar="[PROJECT]", help="May be left out where only one is installed.")]


def named(names: list[str] | None) -> list[ModelSpec]:
    """Those that are named, or all."""
    return [find_project(name) for name in names or project_names()]
