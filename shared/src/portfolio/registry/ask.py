"""What is registered, asked over plain HTTP: a sidecar asks all day, and MLflow's client takes 110 MB."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import unquote, urlsplit

from portfolio.errors import RegistryError
from portfolio.settings import Settings

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
PIN, SIGNED_BY, VERDICT = "bundle_sha256", "signed_by", "verdict"
PROMOTED_AT, ARCHIVED_AT = "promoted_at", "archived_at"
UNREACHABLE = "Start it with `make mlflow`, or name another with MLFLOW_TRACKING_URI."
LOG = "Look at its log; a 403 means its MLFLOW_SERVER_ALLOWED_HOSTS lacks this host name."


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model. `version` is the registry's number, `bundle_version` the bundle's own name.

    `bundle_sha256` pins `bundle.json` and so every file; versions of earlier releases have none. `signed_by` is the key
    that promoted it, by the registry's word alone: who trusts a bundle checks its signature. `verdict` is the gate's.
    `promoted_at` and `archived_at` are in ISO format and UTC: when it last became the champion, when it was put away.
    """

    name: str
    version: str
    bundle_version: str
    run_id: str
    bundle_sha256: str = ""
    signed_by: str = ""
    verdict: str = ""
    promoted_at: str = ""
    archived_at: str = ""


def reachable(settings: Settings) -> bool:
    """Whether a tracking server answers within the limit; asked plainly, so that a dead one costs no mlflow import."""
    if not settings.mlflow_tracking_uri.startswith(("http://", "https://")):
        return False
    try:
        with _ask(settings, "/version") as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, ValueError, HTTPException):
        return False


def require(settings: Settings) -> None:
    """Raise RegistryError where no server answers."""
    if settings.mlflow_tracking_uri and not settings.mlflow_tracking_uri.startswith(("http://", "https://")):
        raise RegistryError(
            f"{settings.registry_address} is no http(s) address.", remedy="MLFLOW_TRACKING_URI names a tracking server."
        )
    if not reachable(settings):
        raise RegistryError(
            f"MLflow does not answer at {_where(settings)}.",
            remedy=UNREACHABLE,
        )


def champion(name: str, settings: Settings) -> RegisteredVersion | None:
    """The version that shall be live, or None. Raises RegistryError where the registry can't be asked."""
    return pointed(name, CHAMPION, settings)


def pointed(name: str, alias: str, settings: Settings) -> RegisteredVersion | None:
    """The version that has an alias, or None. Raises RegistryError where the registry can't be asked."""
    return _version(settings, "registered-models/alias", {"name": name, "alias": alias})


def find_version(name: str, number: int, settings: Settings) -> RegisteredVersion:
    """A version by its number. Raises RegistryError where there is none, or the registry can't be asked."""
    found = _version(settings, "model-versions/get", {"name": name, "version": str(number)})
    if found is None:
        raise RegistryError(
            f"{name} has no version {number} at {settings.registry_address}.",
            remedy=f"`portfolio models {name}` lists its versions.",
        )
    return found


def answer(
    settings: Settings, path: str, *, query: Mapping[str, str] | None = None, body: object = None
) -> dict[str, Any] | None:
    """What the registry's API says, or None where it knows no such thing. Raises RegistryError.

    Over plain HTTP: a sidecar asks this at every start, and importing mlflow would take it two seconds and 110 MB.
    """
    try:
        with _ask(settings, f"/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query or {})}", body) as said:
            return dict(json.load(said))
    except urllib.error.HTTPError as error:
        if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):  # no such model; a model without that alias
            return None
        raise RegistryError(f"MLflow at {settings.registry_address} answers {error.code}.", remedy=LOG) from None
    except (OSError, ValueError, HTTPException) as error:
        raise RegistryError(f"MLflow does not answer at {_where(settings)}: {error}.", remedy=UNREACHABLE) from None


def version_of(found: Mapping[str, Any], name: str) -> RegisteredVersion:
    """A version as the registry's API describes it."""
    tags = {tag["key"]: tag["value"] for tag in found.get("tags", ())}
    return RegisteredVersion(
        name=name,
        version=found["version"],
        bundle_version=tags.get("bundle_version", ""),
        run_id=found.get("run_id", ""),
        bundle_sha256=tags.get(PIN, ""),
        signed_by=tags.get(SIGNED_BY, ""),
        verdict=tags.get(VERDICT, ""),
        promoted_at=tags.get(PROMOTED_AT, ""),
        archived_at=tags.get(ARCHIVED_AT, ""),
    )


def _version(settings: Settings, path: str, query: Mapping[str, str]) -> RegisteredVersion | None:
    found = answer(settings, path, query=query)
    return version_of(found["model_version"], query["name"]) if found else None


def _where(settings: Settings) -> str:
    return settings.registry_address or "(no MLFLOW_TRACKING_URI)"


def _ask(settings: Settings, path: str, body: object = None) -> HTTPResponse:
    """A plain GET, or a POST where there is a body, with the credentials that MLflow's client would send.

    urllib takes none from the address itself.
    """
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(settings.registry_address.rstrip("/") + path, content)
    if content is not None:
        request.add_header("Content-Type", "application/json")
    address = urlsplit(settings.mlflow_tracking_uri)
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or unquote(address.username or "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or unquote(address.password or "")
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    elif user:
        request.add_header("Authorization", f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")
    said: HTTPResponse = urllib.request.urlopen(request, timeout=settings.mlflow_timeout_seconds)
    return said
