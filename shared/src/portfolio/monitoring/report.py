"""Reports for people: Evidently's page and JSON of a run, beside what the run itself found."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from portfolio.errors import ReportError
from portfolio.monitoring.drift import SCORE
from portfolio.monitoring.live import Live
from portfolio.monitoring.page import with_head
from portfolio.monitoring.traffic import Traffic
from portfolio.settings import MonitoringConfig
from portfolio.spec import Frame
from portfolio.store import MonitoringRun

if TYPE_CHECKING:
    import pandas as pd

ROWS = 5_000
"""Of each side that a page shows; all of them would make it a hundred megabytes."""
KEPT = 50
"""Reports of a project; older ones are removed."""
ENDINGS = (".html", ".json", ".findings.json")


def write_report(folder: Path, live: Live, traffic: Traffic, run: MonitoringRun, policy: MonitoringConfig) -> str:
    """Write a run's three files; returns the page's name. Raises ReportError."""
    name = f"{live.name}-{run.until:%Y%m%dT%H%M%S.%fZ}"
    page, data, findings = (folder / f"{name}{ending}" for ending in ENDINGS)
    told = {"decision": run.decision, "reasons": run.reasons, **run.findings}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        findings.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        _write_evidently(live, traffic, policy, page, data)
        page.write_text(with_head(page.read_text(encoding="utf-8"), run), encoding="utf-8")
        _clear(folder, live.name)
    except Exception as error:  # a full disk, or whatever Evidently and the libraries below it do not like
        raise ReportError(f"The report could not be written: {error}.") from error
    return page.name


def _write_evidently(live: Live, traffic: Traffic, policy: MonitoringConfig, *files: Path) -> None:
    """Its page and its JSON, by PSI and limits like the run's own, though by bins of its own and without chance.

    The first import takes seconds, so it is made here; nothing of it may call home.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    current, reference = _sides(live, traffic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is not written for the newest numpy
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset, DataSummaryPreset

        texts = [name for name, values in traffic.frame.items() if name in current and values.dtype == object]
        kinds = DataDefinition(
            numerical_columns=[name for name in current if name not in texts], categorical_columns=texts
        )
        sides = [Dataset.from_pandas(table, data_definition=kinds) for table in (current, reference)]
        drift = DataDriftPreset(method="psi", threshold=policy.psi.watch, drift_share=policy.drifted.act)
        found = Report([drift, DataSummaryPreset()]).run(*sides)
        found.save_html(str(files[0]))
        found.save_json(str(files[1]))


def _sides(live: Live, traffic: Traffic) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of now and of the reference, in the columns that have a value on both sides: Evidently refuses others."""
    current = _table(traffic.frame, traffic.margins)
    reference = _table(live.sample.frame, live.sample.scores)
    shown = [name for name in current if current[name].notna().any() and reference[name].notna().any()]
    return current[shown], reference[shown]


def _table(frame: Frame, scores: Any) -> pd.DataFrame:
    """At most ROWS rows, spread evenly, with what is missing as pandas has it."""
    import pandas as pd

    rows = np.unique(np.linspace(0, len(scores) - 1, ROWS).astype(int))
    columns = {name: values[rows] for name, values in {**frame, SCORE: scores}.items()}
    return pd.DataFrame(columns).replace({"": None})


def _clear(folder: Path, project: str) -> None:
    """Remove all files of the oldest reports, of those too that never got their page."""
    files = [file for file in folder.glob(f"{project}-*Z.*") if file.name.endswith(ENDINGS)]
    stamps = sorted({file.name.rpartition("Z.")[0] for file in files})
    for stamp in stamps[:-KEPT]:
        for ending in ENDINGS:
            (folder / f"{stamp}Z{ending}").unlink(missing_ok=True)
