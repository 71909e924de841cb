"""An API as promotion sees it: small, and as obedient as a test wants it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from portfolio import registry
from portfolio.bundle import fingerprint
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

KEY = "correct horse"


@dataclass
class Api:
    """Follows the registry at every look but the first `slow` ones, and refuses what is in `refused`."""

    spec: ModelSpec
    settings: Settings
    workers: int = 1
    slow: int = 0
    refused: tuple[str, ...] = ()
    follows: bool = True
    failure: dict[str, Any] | None = None
    code: str = ""
    reload: tuple[int, dict[str, Any]] = (200, {})
    reloads: list[str | None] = field(default_factory=list)
    live: list[str] = field(default_factory=list)

    def info(self) -> dict[str, Any]:
        """What /model/info answers, one worker after the other being up to date."""
        champion = registry.champion(self.spec.name, self.settings)
        wanted = champion.version if champion else ""
        if wanted in self.refused:
            said = {"bundle": "", "stage": "load", "reason": "golden_rows", "detail": "a golden row scores 3 off"}
            self.failure = {"model_version": wanted, "at": "now", **said}
        elif wanted not in ("", *self.live) and self.slow:
            self.slow -= 1
        elif wanted and self.follows:
            done = min(self.live.count(wanted) + 1, self.workers)
            self.live = [wanted] * done + self.live[done:]
        code = {"version": "1.2.3", "git_commit": "c0ffee", "features_fingerprint": self.code or fingerprint(self.spec)}
        return {
            "name": self.spec.name,
            "model_version": self.live[0] if self.live else None,
            "live_versions": sorted(set(self.live)),
            "follows_registry": self.follows,
            "code": code,
            "last_failure": self.failure,
        }


@contextmanager
def serving(api: Api) -> Iterator[Settings]:
    """The settings of an operator who knows where the API is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, api.info())

        def do_POST(self) -> None:
            api.reloads.append(self.headers["X-API-Key"])
            self._answer(*api.reload)

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield api.settings.model_copy(update={"api_addresses": {api.spec.name: address}})
        server.shutdown()
