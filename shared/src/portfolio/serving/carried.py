"""What the live model's bundle carries for people: its card, and the data where the project opens it."""

from __future__ import annotations

import gzip
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response

from portfolio.errors import RequestRefused
from portfolio.serving.service import Service

CARD, OPEN_DATA = "model_card.md", "data.json.gz"


def card(service: Service) -> Response:
    """The model card, as Markdown. Raises ModelNotAvailable, and RequestRefused (404) for a bundle without one."""
    file = _file(service, CARD, "no card")
    return Response(file.read_bytes(), media_type="text/markdown; charset=utf-8")


def data(service: Service, headers: Headers) -> Response:
    """The data by column, packed as it lies where the client takes that.

    Raises ModelNotAvailable, and RequestRefused (404) where the project does not open it.
    """
    if not service.spec.open_data:
        raise RequestRefused("This project does not open its data.", status=404)
    packed = _file(service, OPEN_DATA, "no data").read_bytes()
    more = {"Vary": "Accept-Encoding"}
    if "gzip" in headers.get("accept-encoding", ""):
        return Response(packed, headers={**more, "Content-Encoding": "gzip"}, media_type="application/json")
    return Response(gzip.decompress(packed), headers=more, media_type="application/json")


def _file(service: Service, name: str, lacking: str) -> Path:
    file = service.live.require().scorer.directory / name
    if not file.is_file():
        raise RequestRefused(f"The live model carries {lacking}.", remedy="Train it anew.", status=404)
    return file
