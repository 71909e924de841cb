"""One prediction: bytes, validate, features, score, respond, bytes. A batch is the same story with more rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from portfolio.bundle import Scorer, contributions
from portfolio.data.frames import frame_of
from portfolio.serving.live import Loaded
from portfolio.serving.service import Service
from portfolio.serving.validate import BATCH_ROWS, EXPLAINED_ROWS, Row, validate, validate_batch
from portfolio.spec import Frame


@dataclass(frozen=True)
class Wish:
    """What a caller asks for beside the answer."""

    explain: bool = False
    dry_run: bool = False


def predict(service: Service, body: bytes, wish: Wish) -> bytes:
    """Answer one request object. Raises ModelNotAvailable or RequestRefused."""
    model = service.live.model
    row = validate(service.spec.request, body)
    [prediction] = _predictions(service, model, [row], wish)
    return orjson.dumps(prediction)


def predict_batch(service: Service, body: bytes, wish: Wish) -> bytes:
    """Answer `{"instances": [...]}` in order, all or none. Raises ModelNotAvailable or RequestRefused."""
    model = service.live.model
    rows = validate_batch(service.spec.request, body, most=EXPLAINED_ROWS if wish.explain else BATCH_ROWS)
    return orjson.dumps({"predictions": _predictions(service, model, rows, wish)})


def _predictions(service: Service, model: Loaded, rows: Sequence[Row], wish: Wish) -> list[dict[str, Any]]:
    frame = frame_of(rows, service.spec.request.COLUMNS)
    outcomes = model.scorer.outcomes(frame)
    predictions = [model.respond(outcome, service.new_id()) for outcome in outcomes]
    if wish.explain:
        explained = zip(predictions, _explanations(model.scorer, frame), strict=True)
        predictions = [prediction | {"explanation": why} for prediction, why in explained]
    if not wish.dry_run:
        service.metrics.predicted(outcomes)
    return predictions


def _explanations(scorer: Scorer, frame: Frame) -> list[dict[str, Any]]:
    scale = scorer.spec.task.scale
    return [
        {
            "base": why.base,
            "contributions": why.fields,
            "calibration": why.calibration,
            "answer": why.answer,
            "scale": scale,
        }
        for why in contributions(scorer, frame)
    ]
