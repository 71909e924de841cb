"""A portfolio for the tests of the first page: two APIs, monitoring and a registry, each of which can be down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from tests.answering import serving

VIEW = Path(__file__).parents[1] / "view.py"
AN_HOUR_AGO = (datetime.now(UTC) - timedelta(minutes=61)).isoformat()
INFO = {
    "task": {"headline": "roc_auc"},
    "metrics": {"model": {"roc_auc": {"value": 0.85, "low": 0.83, "high": 0.87}}},
    "since": AN_HOUR_AGO,
    "source": "registry",
}
RUN = {"decision": "watch", "at": AN_HOUR_AGO, "reasons": ["Age moved."], "report_url": "/reports/a.html"}
POINTS = [
    {"predictions": 40, "latency_p95_ms": 1.25},
    {"predictions": 2, "latency_p95_ms": 3.5},
    {"predictions": 0, "latency_p95_ms": None},
]
DRIFT = {
    "drifted_share": 0.4,
    "features": [{"feature": "Age", "state": "watch"}, {"feature": "<b>City</b>", "state": "act"}],
    "policy": {"drifted": {"watch": 0.3, "act": 0.5}},
}
Answers = Mapping[str, Any]


def api(name: str, *, synthetic: bool) -> dict[str, Any]:
    """What an API tells."""
    return {
        "/": {"name": name, "title": f"The {name} & co"},
        "/health": {"status": "healthy", "model_version": "7"},
        "/model/info": INFO | {"data": {"synthetic": synthetic}},
    }


MONITORING: dict[str, Any] = {
    "/health": {},
    "/runs": {"runs": [RUN]},
    "/traffic": {"points": POINTS, "latency_p95_ms": 4.2},
    "/drift": DRIFT,
}
ALL: dict[str, Answers] = {
    "apple": api("apple", synthetic=True),
    "pear": api("pear", synthetic=False),
    "monitoring": MONITORING,
    "mlflow": {
        "/health": "OK",
        "/api/2.0/mlflow/model-versions/get": {"model_version": {"run_id": "a1b2"}},
        "/api/2.0/mlflow/runs/get": {"run": {"info": {"experiment_id": "3"}}},
    },
}


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, **changed: Answers | None) -> Iterator[dict[str, str]]:
    """The addresses of all of them; None is a service that is down."""
    with ExitStack() as stack:
        found = {name: _start(stack, changed.get(name, told)) for name, told in ALL.items()}
        monkeypatch.setenv("PORTFOLIO_APIS", f"{found['apple']},{found['pear']}")
        monkeypatch.setenv("MONITORING_URL", found["monitoring"])
        monkeypatch.setenv("MLFLOW_URL", found["mlflow"])
        yield found


def opened(**address: str) -> AppTest:
    """The page that an address shows."""
    page = AppTest.from_file(str(VIEW), default_timeout=30)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception, page.exception
    return page


def _start(stack: ExitStack, told: Answers | None) -> str:
    with serving(BaseHTTPRequestHandler) as gone:
        pass
    port = gone if told is None else stack.enter_context(serving(_answering(told)))
    return f"http://127.0.0.1:{port}"


def _answering(told: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            assert all(parse_qs(urlsplit(self.path).query).values())
            self.send_response(200 if path in told else 404)
            self.end_headers()
            self.wfile.write(json.dumps(told.get(path, {})).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
