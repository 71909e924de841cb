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

from portfolio.errors import NoSuchVersion, RegistryError
from portfolio.settings import Settings

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
PIN, SIGNED_BY, VERDICT = "bundle_sha256", "signed_by", "verdict"
PROMOTED_AT, ARCHIVED_AT = "promoted_at", "archived_at"
UNREACHABLE = "Start it with `make mlflow`, or name another with MLFLOW_TRACKING_URI."
NAMES_SERVER = "MLFLOW_TRACKING_URI names an MLflow server, such as http://localhost:5000."
ALIAS = "registered-models/alias"
NO_SUCH, NO_ALIAS = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"  # the latter, of a model without that alias
LARGEST = 2**31 - 1  # a version's number is an INTEGER of the registry's database


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
    try:
        with _ask(settings, "/version") as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (RegistryError, OSError, ValueError, HTTPException):
        return False


def require(settings: Settings) -> None:
    """Raise RegistryError where no server answers."""
    _check_address(settings)
    if not reachable(settings):
        raise RegistryError(f"MLflow does not answer at {settings.registry_address}.", remedy=UNREACHABLE)


def remedy_for(status: int) -> str:
    """What helps where MLflow refuses with this HTTP status."""
    forbidden = status == HTTPStatus.FORBIDDEN
    return "Its MLFLOW_SERVER_ALLOWED_HOSTS may lack this host name." if forbidden else "Look at its log."


def champion(name: str, settings: Settings) -> RegisteredVersion | None:
    """The version that shall be live, or None. Raises RegistryError where the registry can't be asked."""
    return pointed(name, CHAMPION, settings)


def pointed(name: str, alias: str, settings: Settings) -> RegisteredVersion | None:
    """The version that has an alias, or None. Raises RegistryError where the registry can't be asked."""
    return _version(settings, ALIAS, {"name": name, "alias": alias})


def find_version(name: str, number: int, settings: Settings) -> RegisteredVersion:
    """A version by its number. Raises RegistryError where there is none, or the registry can't be asked."""
    query = {"name": name, "version": str(number)}
    found = _version(settings, "model-versions/get", query) if number <= LARGEST else None
    if found is None:
        raise NoSuchVersion(
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
        code = _error_code(error)
        if code == NO_SUCH or (code == NO_ALIAS and path == ALIAS):
            return None
        raise _refused(settings, error.code, code) from None
    except (TypeError, ValueError):
        raise _foreign(settings) from None
    except (OSError, HTTPException) as error:
        where = settings.registry_address
        raise RegistryError(f"MLflow does not answer at {where}: {error}.", remedy=UNREACHABLE) from None


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


def _error_code(error: urllib.error.HTTPError) -> str:
    """MLflow's own word for what is wrong; empty where something else answers."""
    try:
        said = json.load(error)
    except (OSError, ValueError, HTTPException):
        return ""
    return str(said.get("error_code", "")) if isinstance(said, dict) else ""


def _refused(settings: Settings, status: int, code: str) -> RegistryError:
    unknown = status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
    if unknown and not code:
        return _foreign(settings)
    said = f"{status} ({code})" if code else str(status)
    return RegistryError(f"MLflow at {settings.registry_address} answers {said}.", remedy=remedy_for(status))


def _foreign(settings: Settings) -> RegistryError:
    return RegistryError(f"What answers at {settings.registry_address} is no MLflow.", remedy=NAMES_SERVER)


def _check_address(settings: Settings) -> None:
    if not settings.mlflow_tracking_uri:
        raise RegistryError("MLflow does not answer at (no MLFLOW_TRACKING_URI).", remedy=UNREACHABLE)
    if not settings.mlflow_tracking_uri.startswith(("http://", "https://")):
        raise RegistryError(f"{settings.registry_address} is no http(s) address.", remedy=NAMES_SERVER)


def _ask(settings: Settings, path: str, body: object = None) -> HTTPResponse:
    """A plain GET, or a POST where there is a body, with the credentials that MLflow's client would send.

    urllib takes none from the address itself.
    """
    _check_address(settings)
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
