"""The floor: an ASGI application that sends back what it gets."""

from starlette.types import Receive, Scope, Send

HEADERS = [(b"content-type", b"application/json")]


async def app(_: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body and answer with it."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    length = (b"content-length", str(len(body)).encode("ascii"))
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": body})
