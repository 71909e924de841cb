"""Every advert of the data, in columns made for counting, and what a filter leaves of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cockpit.services import WORK_SECONDS, Service

TEXTS = ("model", "condition", "type", "fuel", "transmission", "drive", "paint_color")
NUMBERS = ("model_year", "odometer", "price", "prediction", "prediction_low", "prediction_high")
CONDITIONS = ("new", "like new", "excellent", "good", "fair", "salvage")
"""From the best to the worst."""
Bounds = tuple[float | None, float | None]
"""Both ends belong to it; None is an open end."""
OPEN: Bounds = (None, None)


@dataclass(frozen=True)
class Choice:
    """What to keep; an empty choice keeps everything. What an advert does not say is kept by open bounds only."""

    make: Sequence[str] = ()
    model: Sequence[str] = ()
    type: Sequence[str] = ()
    condition: Sequence[str] = ()
    model_year: Bounds = OPEN
    price: Bounds = OPEN
    odometer: Bounds = OPEN

    def keep(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The adverts that are chosen."""
        rows = np.ones(len(frame), bool)
        for name in ("make", "model", "type", "condition"):
            if wanted := getattr(self, name):
                rows &= frame[name].isin(wanted).to_numpy()
        for name in ("model_year", "price", "odometer"):
            low, high = getattr(self, name)
            values = frame[name].to_numpy()
            if low is not None:
                rows &= values >= low
            if high is not None:
                rows &= values <= high
        return frame if rows.all() else frame[rows]


@st.cache_resource(max_entries=2, show_spinner="Fetching every advert …")
def adverts(service: Service, version: str) -> pd.DataFrame:  # noqa: ARG001  a part of what it is kept by
    """Of the API, once for each model version. Nobody may change the frame. Raises ServiceError."""
    return read(service.get("/data", seconds=WORK_SECONDS)["columns"])


def read(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """The answer of GET /data as a frame, with make, age in years at the time of the advert, and week (its Monday).

    A column that the answer lacks is empty.
    """
    rows = len(next(iter(columns.values()), ()))
    empty = [None] * rows
    frame = pd.DataFrame({name: _texts(columns.get(name, empty)) for name in TEXTS})
    for name in NUMBERS:
        frame[name] = np.array(columns.get(name, empty), dtype=np.float32)
    posted = pd.to_datetime(pd.Series(columns.get("date_posted", empty)), errors="coerce")
    frame["condition"] = frame["condition"].cat.set_categories(
        [*CONDITIONS, *sorted(set(frame["condition"].cat.categories) - set(CONDITIONS))], ordered=True
    )
    frame["make"] = _makes(frame["model"])
    frame["age"] = (posted.dt.year.to_numpy(np.float32) - frame["model_year"]).clip(lower=0)
    frame["week"] = posted.dt.normalize() - pd.to_timedelta(posted.dt.dayofweek, unit="D")
    return frame


def _texts(values: Sequence[Any]) -> pd.Series:
    return pd.Series([value or None for value in values], dtype="category")


def _makes(models: pd.Series) -> pd.Series:
    """The first word of each model, looked up once for each name, not for each advert."""
    first = {name: str(name).split()[0] for name in models.cat.categories if str(name).split()}
    return models.map(first).astype("category")
