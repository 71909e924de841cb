"""What a request brings: a JSON body of limited size, and the wishes of its query."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from portfolio.errors import RequestRefused
from portfolio.serving.flow import Wish
from portfolio.serving.problems import JSON

PREDICT_BYTES = 64 * 1024
WISHES = ("explain", "dry_run")
DRY = "portfolio.dry_run"
"""In the scope of a request that wishes a dry run."""
CSV, BINARY = "text/csv", "application/octet-stream"
THROWN_AWAY = 32 * 1024 * 1024
FLAGS = {"true": True, "1": True, "false": False, "0": False}


async def read_body(scope: Scope, receive: Receive, limit: int, *, takes: tuple[str, ...] = (JSON,)) -> bytes:
    """The whole body; raises RequestRefused: 415 for what calls itself anything else, 413 beyond `limit` bytes.

    Reading stops at the limit, except where the connection closes with the answer: a socket that closes with unread
    bytes is reset, and the client would see that instead of the answer. There the rest is read and thrown away.
    """
    refused = refusal(scope["headers"], limit, takes)
    closes = _closes(scope)
    if refused is not None and not closes:
        raise refused
    body = await _read(receive, limit, patience=THROWN_AWAY if closes else limit)
    if refused is not None or body is None:
        raise refused or _too_large(limit)
    return body


def read_wish(scope: Scope) -> Wish:
    """Of `?explain=true&dry_run=true`; notes a dry run in the scope. Raises RequestRefused for any other query."""
    query: bytes = scope["query_string"]
    if not query:
        return Wish()
    wishes = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    unknown = [name for name, _ in wishes if name not in WISHES]
    unclear = [name for name, value in wishes if name in WISHES and value.lower() not in FLAGS]
    if unknown or unclear:
        raise _unclear(unclear, unknown=bool(unknown))
    wish = Wish(**{name: FLAGS[value.lower()] for name, value in wishes})
    scope[DRY] = wish.dry_run
    return wish


def media_type(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What the body calls itself; what says nothing is JSON."""
    return next((_parsed(value)[0] for name, value in headers if name == b"content-type"), JSON)


def refusal(
    headers: Iterable[tuple[bytes, bytes]], limit: int, takes: tuple[str, ...] = (JSON,)
) -> RequestRefused | None:
    """What these headers alone are refused for; every path takes JSON."""
    for name, value in headers:
        if name == b"content-type" and value != b"application/json" and not _is_one(value, takes):
            return _not_taken(takes)
        if name == b"content-length" and (not value.isdigit() or int(value) > limit):
            return _too_large(limit)
    return None


def _closes(scope: Scope) -> bool:
    return scope["http_version"] == "1.0" or (b"connection", b"close") in scope["headers"]


async def _read(receive: Receive, limit: int, *, patience: int) -> bytes | None:
    """The body, or None beyond `limit` bytes; after `patience` bytes nothing more is read."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= patience:  # whatever the Content-Length says: it may lie, and a chunked body has none
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused("The connection closed before the body was complete.", status=400)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks) if size <= limit else None


def _is_one(content_type: bytes, takes: tuple[str, ...]) -> bool:
    media, charset = _parsed(content_type)
    return media in takes and charset in ("", "utf-8", "utf8")


def _parsed(content_type: bytes) -> tuple[str, str]:
    media, _, rest = content_type.decode("latin-1").lower().partition(";")
    return media.strip(), rest.partition("charset=")[2].strip(' "')


def _not_taken(takes: tuple[str, ...]) -> RequestRefused:
    named = {JSON: "JSON", CSV: "CSV in UTF-8", BINARY: "JSON followed by tensors"}
    kinds = " or ".join(named[media] for media in takes)
    return RequestRefused(f"The body must be {kinds}.", remedy=f"Send Content-Type: {' or '.join(takes)}.", status=415)


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        f"The body is larger than {limit // 1024:,} KB.",
        remedy="/predict takes 64 KB, what takes many rows 16 MB; split a larger batch.",
        status=413,
    )


def _unclear(flags: list[str], *, unknown: bool) -> RequestRefused:
    problems = [{"field": name, "message": "must be true or false", "allowed": "true, false"} for name in flags]
    if unknown:
        problems.append({"field": "query", "message": "unknown parameter", "allowed": ", ".join(WISHES)})
    return RequestRefused("The query is not understood.", remedy="It takes explain and dry_run.", problems=problems)
