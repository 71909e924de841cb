"""The options that every command which trains has, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataPath = Annotated[
    Path | None, typer.Option(help="CSV file to train on; else data/raw, the mirror, the public address, the sample.")
]
Register = Annotated[bool | None, typer.Option(help="Register in MLflow; else where MLflow answers.")]
Demo = Annotated[bool, typer.Option("--demo", help="A shorter search.")]
Quick = Annotated[bool, typer.Option("--quick", help="The known good parameters, no search.")]
