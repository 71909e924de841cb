"""The API that runs: what code it has, and when it serves the version that it should."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from portfolio import registry
from portfolio.errors import NotPromoted, RegistryError
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings, read_config
from portfolio.spec import ModelSpec

PATIENCE = 60.0
ANSWER_SECONDS = 5.0
RELOAD_SECONDS = 40.0  # the API itself gives up after 30
STEP = 0.5
AWAY = "no API answers at {}; it follows the registry when it starts"
ALONE = "the API at {} follows no registry (MLFLOW_TRACKING_URI): it stays with its own model"
NO_KEY = "the API at {} does not take ADMIN_KEY, so it was left to its own poll"
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Code:
    """What code an API runs."""

    version: str
    git_commit: str
    fingerprint: str


@dataclass(frozen=True)
class Running:
    """An API that answers; `info` is its /model/info, empty while it has no model."""

    name: str
    address: str
    info: Mapping[str, Any]

    @property
    def code(self) -> Code | None:
        """Its own, where it tells."""
        said = self.info.get("code")
        return Code(said["version"], said["git_commit"], said["features_fingerprint"]) if said else None

    @property
    def follows(self) -> bool:
        """Whether it does what the registry says."""
        return bool(self.info.get("follows_registry", True))

    @property
    def versions(self) -> list[str]:
        """What its workers serve."""
        return list(self.info.get("live_versions", [self.info.get("model_version")]))

    def failure(self, version: str) -> Mapping[str, Any] | None:
        """Its last failure, where that was this version's."""
        said = self.info.get("last_failure")
        return said if said and said["model_version"] == version else None


@dataclass(frozen=True)
class Served:
    """After how many seconds the API served the version; None, and `note` says why, where it was not waited for."""

    seconds: float | None
    note: str = ""

    @property
    def sentence(self) -> str:
        """Both, for people."""
        after = f"the API serves it after {self.seconds:.1f} s" if self.seconds is not None else ""
        return "; ".join(part for part in (after, self.note) if part)


def address_of(spec: ModelSpec, settings: Settings) -> str:
    """Where a project's API is: as API_ADDRESSES says, else on this machine at the configured port."""
    port = read_config(spec.root / "configs" / "config.yaml").port
    return settings.api_addresses.get(spec.name, f"http://127.0.0.1:{port}").rstrip("/")


def look(name: str, address: str) -> Running | None:
    """The API of a project at an address; None where nobody, or somebody else, answers."""
    status, body = _ask(f"{address}/model/info")
    if status == HTTPStatus.SERVICE_UNAVAILABLE and _ask(f"{address}/health")[1].get("model_name") == name:
        return Running(name, address, {})
    return Running(name, address, body) if status == HTTPStatus.OK and body.get("name") == name else None


def excuse(api: Running | None, address: str) -> str:
    """Why nobody needs to wait for the API; empty where it will follow."""
    if api is None:
        return AWAY.format(address)
    return "" if api.follows else ALONE.format(address)


def await_live(api: Running, target: RegisteredVersion, settings: Settings) -> Served:
    """Return when every worker of the API serves the target; raises NotPromoted where it refuses, or is not in time."""
    address = api.address
    began = time.monotonic()
    note = _reload(api, target, settings.admin_key.get_secret_value())
    while time.monotonic() < began + PATIENCE:
        now = look(api.name, address)
        if now and now.versions == [target.version]:
            return Served(round(time.monotonic() - began, 1), note)
        _check_still_due(target, settings)
        failure = now.failure(target.version) if now else None
        if failure and failure != api.failure(target.version):
            raise _refused(address, target, f"{failure['reason']} {failure.get('detail') or ''}".strip())
        time.sleep(STEP)
    raise NotPromoted(
        f"The API at {address} did not serve version {target.version} within {PATIENCE:.0f} s.",
        remedy="Its /model/info and log tell why; is REGISTRY_POLL_SECONDS longer than that?",
    )


def _check_still_due(target: RegisteredVersion, settings: Settings) -> None:
    try:
        champion = registry.champion(target.name, settings)
    except RegistryError:  # the API may have heard of it already; who waits goes on waiting
        return
    if champion and champion.version != target.version:
        raise NotPromoted(
            f"Version {champion.version} of {target.name} was made champion meanwhile.",
            remedy=f"`portfolio history {target.name}` tells by whom.",
        )


def _reload(api: Running, target: RegisteredVersion, key: str) -> str:
    """Have the API look at once, where the key is known; returns what is to say of it."""
    if not key:
        return ""
    status, said = _ask(f"{api.address}/admin/reload", key=key, seconds=RELOAD_SECONDS)
    if status == HTTPStatus.CONFLICT:
        raise _refused(api.address, target, str(said.get("detail", "")))
    return NO_KEY.format(api.address) if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else ""


def _refused(address: str, target: RegisteredVersion, reason: str) -> NotPromoted:
    return NotPromoted(
        f"The API at {address} refuses version {target.version}: {reason}", remedy="It goes on with the one before."
    )


def _ask(address: str, *, key: str = "", seconds: float = ANSWER_SECONDS) -> Answer:
    """(status, body) of a GET, or with a key of a POST; status 0 where nobody answers as an API does."""
    request = urllib.request.Request(address, b"" if key else None, {"X-API-Key": key} if key else {})
    try:
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        said = json.loads(content)
    except (OSError, ValueError, HTTPException):
        return 0, {}
    return status, said if isinstance(said, dict) else {}
