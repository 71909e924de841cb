"""What is known of every API at this moment, asked of all of them at the same time, in the background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from math import inf
from typing import Any

import streamlit as st

from cockpit.kept import Kept, read_all
from cockpit.services import Service, ServiceError, api_services, mlflow, monitoring, together

FRESH_SECONDS = 2.0
PATIENCE_SECONDS = 0.8  # what is slower is left out of this look, and is in one of the next
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Drift:
    """Of the last run that could judge it: the worst state, the share that drifted, its limit, and what drifted."""

    state: str = "unknown"
    share: float | None = None
    limit: float | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watched:
    """What the monitoring service says of a project: its last run, and the traffic of the last hour."""

    decision: str = ""
    at: str = ""
    reasons: tuple[str, ...] = ()
    drift: Drift = Drift()
    predictions: int | None = None
    p95_ms: float | None = None
    report_url: str = ""


@dataclass(frozen=True)
class Model:
    """One API and what it said; a part that it did not say is empty, and `trouble` tells why."""

    service: Service
    name: str
    title: str
    health: Facts = field(default_factory=dict)
    info: Facts = field(default_factory=dict)
    trouble: str = ""
    remedy: str = ""

    @property
    def up(self) -> bool:
        """Whether it answers predictions."""
        return self.health.get("status") == "healthy"

    @property
    def version(self) -> str:
        """The version that is live."""
        return str(self.health.get("model_version") or "")

    @property
    def unit(self) -> str:
        """What an amount is measured in; empty where a probability is predicted."""
        return str(self.info.get("task", {}).get("unit") or "")

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on made-up data."""
        return bool(self.info.get("data", {}).get("synthetic"))


def models() -> list[Model]:
    """Every API, in the order of PORTFOLIO_APIS."""
    services = api_services()
    found = read_all([_looked_at(service) for service in services], patience=PATIENCE_SECONDS)
    return [model or _silent(service) for service, model in zip(services, found, strict=True)]


def forget() -> None:
    """Ask every API anew at the next look, as after a promotion."""
    _looked_at.cache_clear()


def watched(names: tuple[str, ...]) -> dict[str, Watched]:
    """By project; empty where the monitoring service does not answer."""
    found = read_all([_watched_over(name, monitoring()) for name in names], patience=PATIENCE_SECONDS)
    return {name: each for name, each in zip(names, found, strict=True) if isinstance(each, Watched)}


def run_of(model: Model) -> str:
    """Where MLflow's pages have the run that its version came from; empty until that is told: nobody waits for it."""
    (found,) = read_all([_came_from(model.name, model.version, mlflow())], patience=0.0)
    return found if isinstance(found, str) else ""


def begin() -> None:
    """Ask everybody at the same time, so that who waits for one has waited for all."""
    for service in api_services():
        _looked_at(service).renew()
    for service in (monitoring(), mlflow()):
        _answers(service).renew()
    for name, _ in list(_names().values()):
        _watched_over(name, monitoring()).renew()


def silent() -> list[Service]:
    """Which of monitoring and MLflow do not answer."""
    asked = [monitoring(), mlflow()]
    found = read_all([_answers(service) for service in asked], patience=PATIENCE_SECONDS)
    return [service for service, answers in zip(asked, found, strict=True) if not answers]


@st.cache_data(ttl=60, show_spinner=False)
def document(service: Service) -> Facts:
    """An API's OpenAPI document. Raises ServiceError."""
    found: Facts = service.get("/openapi.json")
    return found


@cache
def _looked_at(service: Service) -> Kept[Model]:
    return Kept(partial(_look, service, _names()), FRESH_SECONDS)


@cache
def _watched_over(name: str, service: Service) -> Kept[Watched | ServiceError]:
    def ask() -> Watched | ServiceError:
        return together(partial(_watch, name, service))[0]  # type: ignore[no-any-return]

    return Kept(ask, FRESH_SECONDS)


@cache
def _came_from(name: str, version: str, service: Service) -> Kept[str | ServiceError]:
    def ask() -> str | ServiceError:
        return together(partial(_run, name, version, service))[0]  # type: ignore[no-any-return]

    return Kept(ask, FRESH_SECONDS, lately=inf)


@cache  # a version's run never changes
def _run(name: str, version: str, service: Service) -> str:
    found = service.get("/api/2.0/mlflow/model-versions/get", name=name, version=version)
    run = found["model_version"]["run_id"]
    told = service.get("/api/2.0/mlflow/runs/get", run_id=run)
    return f"experiments/{told['run']['info']['experiment_id']}/runs/{run}"


@cache
def _answers(service: Service) -> Kept[bool]:
    """MLflow and monitoring tell their health at the same path, and 503 is an answer."""
    return Kept(lambda: _status(service) != 0, FRESH_SECONDS)


def _status(service: Service) -> int:
    try:
        service.text("/health")
    except ServiceError as error:
        return error.status
    return 200


@cache
def _names() -> dict[str, tuple[str, str]]:
    """Name and title by address, as an API that is down can't say them."""
    return {}


def _silent(service: Service) -> Model:
    name, title = _known(service, _names())
    return Model(service, name, title, trouble=f"{service.shown} has not answered yet.", remedy="It is asked again.")


def _known(service: Service, names: Facts) -> tuple[str, str]:
    unknown = service.shown.partition("//")[2], service.shown
    known: tuple[str, str] = names.get(service.address, unknown)
    return known


def _look(service: Service, names: dict[str, tuple[str, str]]) -> Model:
    health, front, info = together(
        partial(_health, service), partial(service.get, "/"), partial(service.get, "/model/info")
    )
    if isinstance(front, dict) and "name" in front:
        names[service.address] = (str(front["name"]), str(front.get("title") or front["name"]))
    name, title = _known(service, names)
    trouble = next((each for each in (health, info) if isinstance(each, ServiceError)), None)
    return Model(
        service,
        name,
        title,
        {} if isinstance(health, ServiceError) else health,
        {} if isinstance(info, ServiceError) else info,
        trouble.words if trouble else "",
        trouble.remedy if trouble else "",
    )


def _health(service: Service) -> Facts:
    """Its health, which an API without a model tells with 503."""
    try:
        found: Facts = service.get("/health")
    except ServiceError as error:
        if error.status == 503:
            return {"status": "unhealthy"}
        raise
    return found


def _watch(name: str, service: Service) -> Watched:
    runs, traffic, drift = together(
        partial(service.get, "/runs", project=name, limit=1),
        partial(service.get, "/traffic", project=name, minutes=60),
        partial(service.get, "/drift", project=name),
    )
    if isinstance(runs, ServiceError):
        raise runs
    last: Facts = next(iter(runs["runs"]), {})
    points = () if isinstance(traffic, ServiceError) else traffic["points"]
    return Watched(
        decision=last.get("decision", ""),
        at=last.get("at", ""),
        reasons=tuple(last.get("reasons", ())),
        drift=Drift() if isinstance(drift, ServiceError) else _drift(drift),
        predictions=sum(point["predictions"] for point in points) if points else None,
        p95_ms=None if isinstance(traffic, ServiceError) else traffic.get("latency_p95_ms"),  # older releases tell none
        report_url=last.get("report_url", ""),
    )


def _drift(told: Facts) -> Drift:
    """The worst of its columns' states and of the share's, as the policy judges them."""
    share, limits = told.get("drifted_share"), told.get("policy", {}).get("drifted", {})
    states = [feature["state"] for feature in told["features"]]
    if share is not None:
        states += [state for state in ("watch", "act") if share >= limits.get(state, 2.0)]
    worst = next((state for state in ("act", "watch", "unknown", "ok") if state in states), "unknown")
    columns = tuple(feature["feature"] for feature in told["features"] if feature["state"] in ("act", "watch"))
    return Drift(worst, share, limits.get("watch"), columns)
