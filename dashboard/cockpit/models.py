"""What is known of every API at this moment, asked of all of them at the same time and kept for seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from cockpit.services import Service, ServiceError, api_services, monitoring, together

FRESH_SECONDS = 2.0
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Watched:
    """What the monitoring service says of a project: its last run, and the traffic of the last hour."""

    decision: str = ""
    at: str = ""
    reasons: tuple[str, ...] = ()
    drifted_share: float | None = None
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


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False)
def models() -> list[Model]:
    """Every API, in the order of PORTFOLIO_APIS."""
    names = _names()
    return list(together(*(partial(_look, service, names) for service in api_services())))


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False)
def watched(names: tuple[str, ...]) -> dict[str, Watched]:
    """By project; empty where the monitoring service does not answer."""
    found = together(*(partial(_watch, name) for name in names))
    return {name: each for name, each in zip(names, found, strict=True) if isinstance(each, Watched)}


@st.cache_data(ttl=60, show_spinner=False)
def document(service: Service) -> Facts:
    """An API's OpenAPI document. Raises ServiceError."""
    found: Facts = service.get("/openapi.json")
    return found


@st.cache_resource
def _names() -> dict[str, tuple[str, str]]:
    """Name and title by address, as an API that is down can't say them."""
    return {}


def _look(service: Service, names: dict[str, tuple[str, str]]) -> Model:
    health, front, info = together(
        partial(_health, service), partial(service.get, "/"), partial(service.get, "/model/info")
    )
    if not isinstance(front, ServiceError):
        names[service.address] = (front["name"], front["title"])
    name, title = names.get(service.address, (service.shown.partition("//")[2], service.shown))
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


def _watch(name: str) -> Watched:
    service = monitoring()
    runs, traffic = together(
        partial(service.get, "/runs", project=name, limit=1), partial(service.get, "/traffic", project=name, minutes=60)
    )
    if isinstance(runs, ServiceError):
        raise runs
    last: Facts = next(iter(runs["runs"]), {})
    points = () if isinstance(traffic, ServiceError) else traffic["points"]
    slow = [point["latency_p95_ms"] for point in points if point["latency_p95_ms"] is not None]
    return Watched(
        decision=last.get("decision", ""),
        at=last.get("at", ""),
        reasons=tuple(last.get("reasons", ())),
        drifted_share=last.get("drifted_share"),
        predictions=sum(point["predictions"] for point in points) if points else None,
        p95_ms=slow[-1] if slow else None,
        report_url=last.get("report_url", ""),
    )
