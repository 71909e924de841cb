"""Where MLflow's own tools enter a bundle: its `MLmodel` names this module as the loader, and there is no pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from portfolio.bundle.manifest import Manifest
from portfolio.bundle.scorer import Scorer
from portfolio.bundle.store import load, verify
from portfolio.bundle.trust import ANYONE
from portfolio.data.frames import frame_of
from portfolio.settings import read_config
from portfolio.spec.projects import find_project

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PyfuncModel:
    """What `mlflow.pyfunc.load_model` wraps."""

    scorer: Scorer
    options: dict[str, Any]

    def predict(self, model_input: pd.DataFrame | Mapping[str, Any] | Sequence[Any]) -> list[dict[str, Any]]:
        """The response's fields of each row; every row is validated as a request first.

        MLflow's server hands over `instances` and `inputs` as the columns or records they are written in.
        """
        spec = self.scorer.spec
        import pandas as pd

        rows = [
            spec.request.parse_object({str(k): _plain(v) for k, v in row.items() if pd.notna(v)}).model_dump()
            for row in pd.DataFrame(model_input).to_dict("records")
        ]
        outcomes = self.scorer.outcomes(frame_of(rows, spec.request.COLUMNS))
        return [spec.respond(outcome, self.options) for outcome in outcomes]


def describe(manifest: Manifest) -> dict[str, Any]:
    """The content of the `MLmodel` file."""
    return {
        "flavors": {"python_function": {"loader_module": __name__, "data": ".", "python_version": "3.11"}},
        "model_id": None,
        "metadata": {"project": manifest.name, "bundle_version": manifest.version, "data": manifest.data.label},
    }


def _plain(value: Any) -> Any:
    """MLflow's server makes an array of each value of a record in `inputs`."""
    return value.item() if isinstance(value, np.ndarray) else value


def _load_pyfunc(directory: str) -> PyfuncModel:
    spec = find_project(verify(Path(directory), ANYONE).name)  # whom MLflow's tools trust is their user's to say
    return PyfuncModel(load(Path(directory), spec, ANYONE), read_config(spec.root / "configs" / "config.yaml").response)
