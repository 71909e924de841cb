"""Where a project's training rows come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A known content. `sha256` lists every byte form of it (line ends differ between copies)."""

    name: str
    licence: str
    sha256: tuple[str, ...]
    synthetic: bool = False

    @property
    def label(self) -> str:
        """The name as shown wherever the data or its model is shown."""
        return f"{self.name} (synthetic sample)" if self.synthetic else self.name

    def twin(self, sha256: str) -> Dataset:
        """The synthetic twin made from this one and bundled with its project."""
        return Dataset(
            name=f"{self.name} twin", licence=f"synthesized from {self.name}", sha256=(sha256,), synthetic=True
        )


@dataclass(frozen=True, kw_only=True)
class Source:
    """A project's data: `file` in `data/raw`, `mirror` below DATA_MIRROR, `url` in public.

    `prepare` turns the file's table into one with the request's fields, the target and whatever else the spec names
    (rename, derive, drop); it never judges rows, that is validation's work.
    """

    file: str
    mirror: str
    url: str
    datasets: tuple[Dataset, ...]
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table

    @property
    def sample(self) -> str:
        """The bundled twin's file name in `data/sample`."""
        return f"{self.file}.gz"
