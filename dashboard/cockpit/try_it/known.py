"""What an API that opens its training data (GET /data) tells of it: values, ranges, and what is predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
import streamlit as st

from cockpit.services import Service, ServiceError

MOST_TEXTS, BINS, DATA_SECONDS = 1000, 40, 20.0


@dataclass(frozen=True)
class Known:
    """`texts` by how common they are; `ranges` from the 1st to the 99th percentile.

    `edges` and `counts` are a histogram of the target, `quantiles` its percentiles from 0 to 100.
    """

    rows: int = 0
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    quantiles: tuple[float, ...] = ()

    def share_below(self, amount: float) -> float:
        """The share of the target's values that are smaller."""
        return float(np.interp(amount, self.quantiles, np.linspace(0, 1, len(self.quantiles))))


def known(service: Service, document: Mapping[str, Any], version: str, target: str) -> Known:
    """Empty where the data is not open, or can't be had now."""
    if "/data" not in document["paths"]:
        return Known()
    try:
        return _asked(service, version, target)
    except ServiceError:
        return Known()


def summary(columns: Mapping[str, Sequence[Any]], target: str) -> Known:
    """Of the columns of GET /data; None is a missing value. A row without a prediction is one that no model learned."""
    if "prediction" in columns:
        learned = [value is not None for value in columns["prediction"]]
        columns = {name: list(compress(values, learned)) for name, values in columns.items()}
    texts, ranges = {}, {}
    for name, values in columns.items():
        given = [value for value in values if value is not None and value != ""]
        if given and isinstance(given[0], str):
            texts[name] = tuple(text for text, _ in Counter(given).most_common(MOST_TEXTS))
        elif given:
            low, high = np.percentile(np.asarray(given, float), (1, 99))
            ranges[name] = (float(low), float(high))
    rows = len(next(iter(columns.values()), ()))
    wanted = np.asarray([value for value in columns.get(target, ()) if isinstance(value, (int, float))], float)
    if not wanted.size:
        return Known(rows, texts, ranges)
    counts, edges = np.histogram(wanted, BINS, (wanted.min(), float(np.percentile(wanted, 99))))
    quantiles = np.percentile(wanted, np.arange(101))
    return Known(rows, texts, ranges, tuple(edges.tolist()), tuple(counts.tolist()), tuple(quantiles.tolist()))


@st.cache_data(max_entries=16, show_spinner="Reading the data that the model learned from …")
def _asked(service: Service, version: str, target: str) -> Known:  # noqa: ARG001 - a version has data of its own
    return summary(service.get("/data", seconds=DATA_SECONDS)["columns"], target)
