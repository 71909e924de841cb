"""One prediction: bytes, validate, features, score, respond, bytes. A batch is the same story with more rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from portfolio.bundle import Scorer, contributions
from portfolio.data.frames import frame_of
from portfolio.errors import RequestRefused
from portfolio.serving.problems import written
from portfolio.serving.service import Service
from portfolio.serving.validate import BATCH_ROWS, EXPLAINED_ROWS, Row, validate, validate_batch, validate_each
from portfolio.spec import Frame

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What a caller asks for beside the answer."""

    explain: bool = False
    dry_run: bool = False


PLAIN = Wish()


def predict(service: Service, bodies: Sequence[bytes]) -> list[bytes | Exception]:
    """Answer request objects that arrived together, each as if it had come alone.

    Raises ModelNotAvailable; and RequestRefused for a number beyond float32, without telling whose it is.
    """
    service.live.require()
    rows = validate_each(service.spec.request, bodies)
    good = [row for row in rows if not isinstance(row, RequestRefused)]
    answers = iter(predictions(service, good) if good else ())
    return [row if isinstance(row, RequestRefused) else written(next(answers)) for row in rows]


def predict_alone(service: Service, body: bytes, wish: Wish) -> bytes:
    """Answer one request object that comes with a wish. Raises ModelNotAvailable or RequestRefused."""
    service.live.require()
    row = validate(service.spec.request, body)
    [prediction] = predictions(service, [row], wish)
    return orjson.dumps(prediction)


def predict_batch(service: Service, body: bytes, wish: Wish) -> bytes:
    """Answer `{"instances": [...]}` in order, all or none. Raises ModelNotAvailable or RequestRefused."""
    service.live.require()
    rows = validate_batch(service.spec.request, body, most=EXPLAINED_ROWS if wish.explain else BATCH_ROWS)
    return orjson.dumps({"predictions": predictions(service, rows, wish)})


def predictions(service: Service, rows: Sequence[Row], wish: Wish = PLAIN) -> list[Prediction]:
    """Score valid rows and put the answers into the project's words, in order, all by one model."""
    model = service.live.require()
    frame = frame_of(rows, service.spec.request.COLUMNS)
    outcomes = model.scorer.outcomes(frame)
    answers = list(map(model.respond, outcomes, service.ids.predictions(len(rows))))
    if wish.explain:
        explained = zip(answers, _explanations(model.scorer, frame), strict=True)
        answers = [answer | {"explanation": why} for answer, why in explained]
    if not wish.dry_run:
        service.metrics.predicted(outcomes)
    return answers


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
