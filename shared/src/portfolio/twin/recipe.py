"""What a project says about its twin, in `configs/twin.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from portfolio.errors import ConfigError
from portfolio.settings import Strict, read_yaml

Name = Annotated[str, Field(min_length=1)]


class TargetModel(Strict):
    """The boosted trees that give the synthetic rows their target."""

    trees: int = Field(150, ge=1)
    learning_rate: float = Field(0.05, gt=0)
    leaves: int = Field(15, ge=2)


class TwinRecipe(Strict):
    """One project's `configs/twin.yaml`.

    `limit` is what training on the twin may lose: AUC, or a share of the error of a number. `splits` is how many the
    report averages. Of the raw file's columns, `counted` ones are numbered from the given first number, `constant` ones
    say the same in every row, `alone` ones depend on no other column and are drawn anew each time a row is listed; the
    remaining ones are synthesized.
    """

    rows: int = Field(ge=1)
    limit: float = Field(gt=0)
    splits: int = Field(5, ge=1)
    seed: int = 42
    counted: dict[Name, int] = Field({})
    constant: dict[Name, str | int | float] = Field({})
    alone: tuple[Name, ...] = ()
    model: TargetModel = TargetModel()

    @model_validator(mode="after")
    def _one_way_each(self) -> Self:
        twice = [name for name in self.without_model if self.without_model.count(name) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is named twice among counted, constant and alone")
        return self

    @property
    def without_model(self) -> tuple[str, ...]:
        """The columns that are not synthesized."""
        return (*self.counted, *self.constant, *self.alone)

    def features(self, columns: Sequence[str], target: str) -> list[str]:
        """The columns to synthesize before the target, in the file's order; ConfigError where the file lacks a name."""
        lacking = [name for name in (target, *self.without_model) if name not in columns]
        if lacking:
            raise ConfigError(
                f"The raw file has no column {', '.join(lacking)}; it has {', '.join(columns)}.",
                remedy="Correct configs/twin.yaml, or the target in the project's model.py.",
            )
        if target in self.without_model:
            raise ConfigError(f"{target} is the target.", remedy="Take it out of configs/twin.yaml.")
        return [name for name in columns if name != target and name not in self.without_model]


def read_recipe(path: Path) -> TwinRecipe:
    """Read and check a project's `configs/twin.yaml`."""
    return read_yaml(path, TwinRecipe)
