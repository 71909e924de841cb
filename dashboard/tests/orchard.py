"""A model API that none of the projects is, in a few lines: what it is asked is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.answering import serving

EXAMPLE = {"rings": 12, "acidity": 6.5, "soil": "clay", "organic": 1, "station": "north", "rain": 812.5}
TREE: dict[str, Any] = {
    "type": "object",
    "required": ["rings", "acidity", "soil", "organic", "station"],
    "examples": [EXAMPLE],
    "properties": {
        "rings": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Yearly rings counted"},
        "acidity": {"type": "number", "exclusiveMinimum": 0, "maximum": 14, "examples": [6.5]},
        "soil": {"type": "string", "enum": ["clay", "sand", "loam"]},
        "organic": {"type": "integer", "minimum": 0, "maximum": 1},
        "station": {"type": "string", "minLength": 1, "maxLength": 20},
        "rain": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}], "default": None, "examples": [812.5]},
    },
}
ANSWER = {"properties": {"blight_probability": {"type": "number", "maximum": 1}, "advice": {"type": "string"}}}
POST = {
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}},
    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Blight"}}}}},
}
DOCUMENT = {"paths": {"/predict": {"post": POST}}, "components": {"schemas": {"Tree": TREE, "Blight": ANSWER}}}
PAGES: dict[str, Any] = {
    "/": {"name": "orchard", "title": "Orchard blight"},
    "/health": {"status": "healthy", "model_version": "7"},
    "/model/info": {"task": {"kind": "binary", "target": "blight"}, "threshold": 0.4, "data": {"synthetic": True}},
    "/openapi.json": DOCUMENT,
}


def problems_of(row: dict[str, Any]) -> list[dict[str, str]]:
    """What the API would refuse."""
    allowed = {"acidity": "a number above 0", "station": "a text", "rain": "a number, at least 0"}
    wrong = [("acidity", "must be above 0")] if row.get("acidity", 1) <= 0 else []
    wrong += [("rain", "must be at least 0")] if (row.get("rain") or 0) < 0 else []
    wrong += [("station", "missing")] if not row.get("station") else []
    return [{"field": field, "message": message, "allowed": allowed[field]} for field, message in wrong]


def answer_to(row: dict[str, Any]) -> dict[str, Any]:
    """What it answers, and why."""
    parts = {"rings": (row["rings"] - 10) / 20, "acidity": (row["acidity"] - 7) / 2, "organic": -0.3, "rain": 0.0}
    total = -0.5 + sum(parts.values()) + 0.1
    return {
        "blight_probability": 1 / (1 + math.exp(-total)),
        "advice": "SPRAY",
        "prediction_id": "x",
        "model_version": "7",
        "explanation": {
            "base": -0.5,
            "contributions": parts,
            "calibration": 0.1,
            "answer": total,
            "scale": "log-odds",
        },
    }


@contextmanager
def orchard(pages: dict[str, Any] = PAGES) -> Iterator[tuple[str, list[str]]]:
    """Its address, and the paths with their queries that were posted to."""
    posted: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(urlsplit(self.path).path)
            self.reply(404, {"detail": "Nothing here."}) if found is None else self.reply(200, found)

        def do_POST(self) -> None:
            posted.append(self.path)
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            one = "instances" not in body
            rows = [body] if one else body["instances"]
            wrong = [problem | {"index": at} for at, row in enumerate(rows) for problem in problems_of(row)][:20]
            if wrong:
                self.reply(422, {"detail": "Refused.", "remedy": "Correct it.", "errors": wrong})
                return
            answers = [answer_to(row) for row in rows]
            self.reply(200, answers[0] if one else {"predictions": answers})

        def reply(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Api) as port:
        yield f"http://127.0.0.1:{port}", posted
