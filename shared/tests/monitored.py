"""A toy that was trained and is live, a store, and traffic of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from runs import CONFIG, NOW, run, table, with_rows
from stores import prediction, ship

from portfolio.data.frames import frame_of, rows_of
from portfolio.measures import Predictions
from portfolio.monitoring.flow import Order, monitor
from portfolio.monitoring.live import Live, read_live
from portfolio.settings import MonitoringConfig, Settings
from portfolio.spec import ModelSpec
from portfolio.store import Label, MonitoringRun, Prediction, join, prepare

AT = NOW + timedelta(days=30)
Change = Callable[[pd.DataFrame], pd.DataFrame]
POLICY = MonitoringConfig()


@dataclass(frozen=True)
class Desk:
    """A project that is monitored, and the machine's settings."""

    spec: ModelSpec
    settings: Settings

    @property
    def live(self) -> Live:
        """What is served."""
        return read_live(self.spec, self.settings)

    def predicted(
        self, rows: int, *, seed: int = 51, change: Change = lambda table: table, at: datetime = AT, bundle: str = ""
    ) -> tuple[list[Prediction], pd.DataFrame]:
        """Predictions of new orders, as the live version answers them, in the hour up to `at`; and their truth."""
        truth = table(rows, seed=seed)
        asked = change(truth.drop(columns=["late", "cost"]))
        columns, live = self.spec.request.COLUMNS, self.live
        given = [{name: None if pd.isna(value) else value for name, value in row.items()} for row in _plain(asked)]
        frame = frame_of(given, columns)
        answers = live.predictions(live.scorer.margins(frame))
        times = [at - timedelta(seconds=3600 * (1 - number / rows)) for number in range(rows)]
        made = [
            prediction(
                number,
                project=self.spec.name,
                at=times[number],
                features=features,
                bundle=bundle or live.bundle,
                model_version=live.model_version,
                **_answer(answers, number),
            )
            for number, features in enumerate(rows_of(frame, range(rows), columns))
        ]
        return made, truth

    def served(self, rows: int, **how: object) -> tuple[list[Prediction], pd.DataFrame]:
        """The same, in the store."""
        made, truth = self.predicted(rows, **how)  # type: ignore[arg-type]
        assert ship(made, self.settings) == rows
        return made, truth

    def told(self, made: list[Prediction], truth: pd.Series) -> None:
        """Labels that come an hour after each prediction."""
        labels = [
            Label(row.prediction_id, float(label), row.at + timedelta(hours=1))
            for row, label in zip(made, truth, strict=True)
        ]
        assert {one.outcome for one in join(labels, self.settings, lambda *_: "")} == {"recorded"}

    def run(self, *, now: datetime = AT, policy: MonitoringConfig = POLICY) -> MonitoringRun:
        """One monitoring run of the last day."""
        config = CONFIG.model_copy(update={"monitoring": policy})
        return monitor(self.spec, Order(now=now, days=1), config, self.settings)


def desk(spec: ModelSpec, folder: Path) -> Desk:
    """The toy trained in a folder, with a store of its own beside it."""
    placed = with_rows(spec, folder / spec.name)
    trained = run(placed)
    assert trained.verdict.decision == "promote"
    return Desk(placed, stored(folder))


def stored(folder: Path) -> Settings:
    """Settings with an empty store."""
    settings = Settings(mlflow_tracking_uri="", database_url=f"sqlite:///{folder}/store.db")
    prepare(settings)
    return settings


def with_store(desk: Desk, folder: Path) -> Desk:
    """The same project, and nothing predicted yet."""
    return replace(desk, settings=stored(folder))


def _plain(asked: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in asked.to_dict("records")]


def _answer(answers: Predictions, number: int) -> dict[str, object]:
    decision = None if answers.decision is None else int(answers.decision[number])
    return {"score": float(answers.value[number]), "decision": decision}


def shuffled(truth: pd.Series) -> pd.Series:
    """Labels that have nothing to do with what was asked."""
    return pd.Series(np.random.default_rng(1).permutation(truth.to_numpy()))
