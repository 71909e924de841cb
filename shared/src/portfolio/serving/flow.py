"""One prediction: bytes, validate, features, score, respond, journal, bytes. A batch is the same with more rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from time import perf_counter
from typing import Any, NamedTuple

import orjson

from portfolio.bundle import Scorer, contributions
from portfolio.data.frames import frame_of
from portfolio.errors import JournalFull, RequestRefused
from portfolio.predictions.journal import Entry
from portfolio.serving.live import Loaded
from portfolio.serving.problems import written
from portfolio.serving.service import Service
from portfolio.serving.validate import BATCH_ROWS, EXPLAINED_ROWS, Row, validate, validate_batch, validate_each
from portfolio.spec import Binary, Frame, Outcome

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What a caller asks for beside the answer."""

    explain: bool = False
    dry_run: bool = False


PLAIN = Wish()


class Asked(NamedTuple):
    """A body, when its request began (on perf_counter's clock), its id, and the caller's name for what it is about."""

    body: bytes
    begun: float
    request_id: str
    entity_id: str = ""


class Answers(NamedTuple):
    """Rows, what the model said of each, and the project's words for it, all by one model."""

    model: Loaded
    rows: Sequence[Row]
    outcomes: Sequence[Outcome]
    predictions: Sequence[Prediction]

    def only(self, chosen: Sequence[bool]) -> Answers:
        """Some of them."""
        return Answers(
            self.model,
            list(compress(self.rows, chosen)),
            list(compress(self.outcomes, chosen)),
            list(compress(self.predictions, chosen)),
        )


def predict(service: Service, asked: Sequence[Asked]) -> list[bytes | Exception]:
    """Answer request objects that arrived together, each as if it had come alone.

    Raises ModelNotAvailable; and RequestRefused for a number beyond float32, without telling whose it is.
    """
    service.live.require()
    rows = validate_each(service.spec.request, [one.body for one in asked])
    good = [not isinstance(row, RequestRefused) for row in rows]
    if not any(good):
        return [row for row in rows if isinstance(row, RequestRefused)]
    answers = predictions(service, [row for row in rows if not isinstance(row, RequestRefused)])
    contents = iter(_kept_each(service, answers, list(compress(asked, good))))
    return [row if isinstance(row, RequestRefused) else next(contents) for row in rows]


def predict_alone(service: Service, asked: Asked, wish: Wish) -> bytes:
    """Answer one request object that comes with a wish. Raises ModelNotAvailable, RequestRefused or JournalFull."""
    service.live.require()
    row = validate(service.spec.request, asked.body)
    answers = predictions(service, [row], wish)
    content = orjson.dumps(answers.predictions[0])
    keep_all(service, answers, asked, wish)
    return content


def predict_batch(service: Service, asked: Asked, wish: Wish) -> bytes:
    """Answer `{"instances": [...]}` in order, all or none. Raises ModelNotAvailable, RequestRefused or JournalFull."""
    service.live.require()
    rows = validate_batch(service.spec.request, asked.body, most=EXPLAINED_ROWS if wish.explain else BATCH_ROWS)
    answers = predictions(service, rows, wish)
    content = orjson.dumps({"predictions": answers.predictions})
    keep_all(service, answers, asked, wish)
    return content


def predictions(service: Service, rows: Sequence[Row], wish: Wish = PLAIN) -> Answers:
    """Score valid rows and put the answers into the project's words, in order, all by one model."""
    model = service.live.require()
    frame = frame_of(rows, service.spec.request.COLUMNS)
    outcomes = model.scorer.outcomes(frame)
    answers = list(map(model.respond, outcomes, service.ids.predictions(len(rows))))
    if wish.explain:
        explained = zip(answers, _explanations(model.scorer, frame), strict=True)
        answers = [answer | {"explanation": why} for answer, why in explained]
    return Answers(model, rows, outcomes, answers)


def keep_all(service: Service, answers: Answers, asked: Asked, wish: Wish) -> None:
    """Journal and count the rows of one request, once its answer is written; nothing of a dry run. Raises JournalFull.

    An entity is one row: of several rows nobody could say which is meant.
    """
    if not wish.dry_run:
        _keep(service, answers, repeat(asked if len(answers.rows) == 1 else asked._replace(entity_id="")))


def _kept_each(service: Service, answers: Answers, asked: Sequence[Asked]) -> list[bytes | Exception]:
    """The bodies of answers, journaled and counted before anyone sees them; what can't be written is neither."""
    contents = [written(prediction) for prediction in answers.predictions]
    fine = [isinstance(content, bytes) for content in contents]
    if not all(fine):
        answers, asked = answers.only(fine), list(compress(asked, fine))
    try:
        _keep(service, answers, asked)
    except JournalFull as full:
        return [full if isinstance(content, bytes) else content for content in contents]
    return contents


def _keep(service: Service, answers: Answers, asked: Iterable[Asked]) -> None:
    if service.journal and answers.rows:
        decides = isinstance(service.spec.task, Binary)
        service.journal.append(answers.model.author, _entries(answers, asked, decides=decides))
    service.metrics.predicted(answers.outcomes)


def _entries(answers: Answers, asked: Iterable[Asked], *, decides: bool) -> list[Entry]:
    now = perf_counter()
    return [
        (
            prediction["prediction_id"],
            int((now - begun) * 1e6),
            outcome[0],
            int(outcome[1]) if decides else None,
            request_id,
            entity_id,
            list(row.values()),
        )
        for (_, begun, request_id, entity_id), row, outcome, prediction in zip(
            asked, answers.rows, answers.outcomes, answers.predictions, strict=False
        )
    ]


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
