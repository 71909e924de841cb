"""Changing who is live: what a person must say, the one request that does it, and what came of it in words."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cockpit.services import Service, ServiceError

Action = Literal["promote", "roll back"]
USER = re.compile(r"[\w.@+-][\w.@+ -]{0,63}", re.ASCII)
KEY = re.compile(r"[!-~]([ -~]*[!-~])?")
REASON_LENGTH = 500
CHANGE_SECONDS = 180.0  # the service waits for the API's workers, which may have to download first
SERVED_SECONDS = 10.0
FORCE = "--force"
KEY_REMEDY = "Type the ADMIN_KEY that the monitoring service was started with; `make demo` writes one into .env."
CLOSED_REMEDY = "The monitoring service has no ADMIN_KEY: set one in .env and start it anew."


@dataclass(frozen=True)
class Wish:
    """What somebody wants done. `version` is empty for a rollback to the champion before."""

    project: str
    action: Action
    version: str
    reason: str
    key: str = field(repr=False)
    user: str = ""
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a wish. `served` is what /health says afterwards, `champion` who should be there.

    `force` is the version that a refusal says force would take, else empty.
    """

    done: bool
    words: str
    remedy: str = ""
    champion: str = ""
    served: str = ""
    seconds: float | None = None
    force: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def lacking(wish: Wish, confirmation: str) -> list[str]:
    """What a person still has to say before anything is sent; empty where all is there."""
    lacks = []
    if wish.action == "promote" and not wish.version:
        lacks.append("Choose a version.")
    if not wish.reason:
        lacks.append("Give a reason: the audit keeps it.")
    if wish.user and not USER.fullmatch(wish.user):
        lacks.append("A name has letters of ASCII, digits, blanks and . _ @ + -, at most 64 of them.")
    lacks += lacking_key(wish.key)
    if confirmation != wish.project:
        lacks.append(f"Type {wish.project} to confirm.")
    return lacks


def lacking_key(key: str) -> list[str]:
    """What is wrong with a typed key: it goes into a header, which takes printable ASCII alone."""
    if not key:
        return ["Type the admin key."]
    return [] if KEY.fullmatch(key) else ["The admin key has a character that no key has."]


def carry_out(wish: Wish, monitoring: Service, api: Service) -> Outcome:
    """Send it, once, and look at what the API serves then."""
    path = f"/versions/{wish.project}/{'promote' if wish.action == 'promote' else 'rollback'}"
    body = {"version": wish.version} if wish.action == "promote" else {"to": wish.version}
    forced = {"force": True} if wish.force else {}
    try:
        said = monitoring.post(
            path, {**body, "reason": wish.reason, **forced}, key=wish.key, user=wish.user, seconds=CHANGE_SECONDS
        )
    except ServiceError as error:
        return _refused(wish, error)
    champion, seconds = said["champion"], said["served_after_seconds"]
    served = wait_until_served(api, champion, SERVED_SECONDS if seconds is not None else 0.0)
    return Outcome(True, _sentence(said), champion=champion, served=served, seconds=seconds)


def wait_until_served(api: Service, version: str, seconds: float) -> str:
    """The version that the API's /health says, at the latest after so many seconds; empty where it does not answer."""
    until = time.monotonic() + seconds
    while (said := served_by(api)) != version and time.monotonic() < until:
        time.sleep(0.3)
    return said


def served_by(api: Service) -> str:
    """The version that /health says; empty where it does not answer, or has no model."""
    try:
        return str(api.get("/health").get("model_version") or "")
    except ServiceError:
        return ""


def verified(outcome: Outcome) -> tuple[bool, str]:
    """Whether the API really serves the champion, and that in words."""
    if outcome.served == outcome.champion:
        after = f" after {outcome.seconds:.1f} s" if outcome.seconds is not None else ""
        return True, f"The API serves version {outcome.champion}{after}: its /health says so."
    if not outcome.served:
        return False, "The API does not answer; it takes the champion when it starts."
    return False, f"The API's /health still says version {outcome.served}: look again in a moment."


def _sentence(said: Mapping[str, Any]) -> str:
    """Who is the champion; where nobody waited for the API, the service's own sentence, which tells why."""
    if said["served_after_seconds"] is None:
        return f"{said['sentence']}."
    before = f", version {said['before']} was before" if said["before"] not in (None, said["champion"]) else ""
    return f"Version {said['champion']} of {said['project']} is the champion{before}."


def _refused(wish: Wish, error: ServiceError) -> Outcome:
    if error.status == 401:
        return Outcome(False, error.words, KEY_REMEDY)
    if error.status == 403:
        return Outcome(False, error.words, CLOSED_REMEDY)
    if not error.status:
        return Outcome(False, error.words, f"{error.remedy} Whether anything changed, the audit below tells.")
    if wish.action == "promote" and FORCE in error.remedy and not wish.force:
        return Outcome(False, error.words, "Force takes it all the same, if you answer for it.", force=wish.version)
    return Outcome(False, error.words, error.remedy)
