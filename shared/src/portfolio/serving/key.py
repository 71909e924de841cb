"""Who has the admin key; closed to everybody where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest

from pydantic import SecretStr

from portfolio.errors import NotAdmitted

KEY_HEADER = b"x-api-key"


def admit(headers: Iterable[tuple[bytes, bytes]], key: SecretStr) -> None:
    """Raise NotAdmitted unless the request brings the key: 403 where no key is set, else 401."""
    wanted = key.get_secret_value().encode()
    if not wanted:
        raise NotAdmitted("closed: ADMIN_KEY is not set.", remedy="Start the service with an ADMIN_KEY.", status=403)
    given = next((value for name, value in headers if name == KEY_HEADER), b"")
    if not compare_digest(given, wanted):
        raise NotAdmitted("The admin key is missing or wrong.", remedy="Send it as X-API-Key.")
