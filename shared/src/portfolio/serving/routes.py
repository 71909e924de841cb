"""Every route of a project's API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson
from anyio import CapacityLimiter, WouldBlock, to_thread
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from portfolio.errors import Overloaded
from portfolio.serving import carried, flow, info, labels, openapi, stats
from portfolio.serving.admin import Admin
from portfolio.serving.body import BINARY, CSV, PREDICT_BYTES, media_type, read_body, read_wish
from portfolio.serving.edge import asked
from portfolio.serving.problems import JSON
from portfolio.serving.protocols import documented, inference, invocations
from portfolio.serving.service import Service
from portfolio.serving.turn import Turn

BATCH_BYTES = 16 * 1024 * 1024
LARGE_BODIES = 8  # held at once, those that wait for their turn included


def add_routes(app: FastAPI, at: Endpoints) -> None:
    """Name every path, and what /docs says of it."""
    spec = at.service.spec
    get = partial(app.add_api_route, methods=["GET"], response_class=Response)
    post = partial(app.add_api_route, methods=["POST"])
    predict = partial(post, tags=["predict"])
    one = openapi.answers(spec.response)
    many = openapi.batch_answers(one)
    refusals = openapi.problems(400, 413, 415, 422, 503)
    accepts = partial(openapi.accepts, spec)

    # the router asks in this order
    predict("/predict", at.predict, response_model=one, responses=refusals, openapi_extra=accepts())
    predict(
        "/predict/batch", at.predict_batch, response_model=many, responses=refusals, openapi_extra=accepts(batch=True)
    )
    predict("/explain", at.explain, response_model=one, responses=refusals, openapi_extra=accepts(wishes=("dry_run",)))
    post("/labels", at.take_labels, tags=["labels"], **labels.documented(spec))
    get("/", at.home, tags=["about"])
    get("/health", at.health, tags=["health"], responses={503: {"description": "No model is loaded"}})
    get("/health/live", at.health_live, tags=["health"])
    get("/health/ready", at.health_ready, tags=["health"], responses={503: {"description": "Not ready"}})
    get("/model/info", at.model_info, tags=["about"], responses=openapi.problems(503))
    get("/model/card", at.model_card, tags=["about"], responses=openapi.problems(404, 503))
    get("/metrics", at.metrics, tags=["health"])
    shown = partial(app.add_api_route, methods=["GET"], tags=["monitoring"])
    shown("/stats", at.stats, response_model=stats.Stats)
    shown("/monitoring/stats", at.monitoring_stats, response_model=stats.MonitoringStats)
    get("/data", at.data, tags=["about"], responses=openapi.problems(404, 503), include_in_schema=spec.open_data)

    post("/admin/reload", at.reload, tags=["admin"], **openapi.reloading())

    v2 = partial(app.add_api_route, methods=["GET"], tags=["Open Inference Protocol"])
    v2("/v2", at.v2, **documented.server())
    v2("/v2/health/live", at.v2_live, **documented.live())
    v2("/v2/health/ready", at.v2_ready, **documented.ready())
    for named in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        v2(named, at.v2_model, **documented.model(named))
        v2(f"{named}/ready", at.v2_model_ready, **documented.model_ready(named))
        v2(f"{named}/infer", at.v2_infer, methods=["POST"], **documented.infer(named, spec))

    post("/invocations", at.invocations, **documented.invocations(spec), response_model=many, tags=["MLflow"])
    get("/ping", at.ping, tags=["MLflow"], **documented.ping())
    get("/version", at.mlflow_version, tags=["MLflow"], **documented.mlflow_version())


@dataclass(frozen=True)
class Endpoints:
    """What each path does. Long work goes off the event loop, one batch and one explanation at a time.

    LightGBM recomputes its trees' depths in place whenever it explains, so two explanations must not run at once.
    """

    service: Service
    turn: Turn[flow.Asked, bytes]
    admin: Admin
    labels: labels.Labels
    batches: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    explanations: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    rooms: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LARGE_BODIES))

    async def home(self) -> Response:
        """What this is and where to go."""
        return _json(200, info.home(self.service))

    async def health(self) -> Response:
        """Whether predictions can be answered."""
        return _json(*info.health(self.service))

    async def health_live(self) -> Response:
        """Whether the process answers at all."""
        return _json(200, {"status": "alive"})

    async def health_ready(self) -> Response:
        """Whether traffic should come here."""
        return _json(*info.readiness(self.service))

    async def model_info(self) -> Response:
        """The live model's origin and measured quality."""
        return _json(200, await to_thread.run_sync(info.model_info, self.service))

    async def model_card(self) -> Response:
        """What the live model is for, how good it is, and where it should not be relied on, as Markdown."""
        return await to_thread.run_sync(carried.card, self.service)

    async def predict(self, request: Request) -> Response:
        """Answer one row; with explain=true also why."""
        wish = read_wish(request.scope)
        if wish != flow.PLAIN:
            return await self._predict_alone(request, wish)
        body = await read_body(request.scope, request.receive, PREDICT_BYTES)
        return Response(await self.turn.ask(asked(request.scope, body)), media_type=JSON)

    async def predict_batch(self, request: Request) -> Response:
        """Answer up to 10,000 rows (100 with explain=true) in order, all or none."""
        wish = read_wish(request.scope)
        aside = self.explanations if wish.explain else self.batches
        with self._room():
            body = await read_body(request.scope, request.receive, BATCH_BYTES)
            batch = asked(request.scope, body)
            content = await to_thread.run_sync(flow.predict_batch, self.service, batch, wish, limiter=aside)
        return Response(content, media_type=JSON)

    async def explain(self, request: Request) -> Response:
        """Answer one row, and why: exact contributions of each field."""
        return await self._predict_alone(request, replace(read_wish(request.scope), explain=True))

    async def take_labels(self, request: Request) -> Response:
        """Take the truth about up to 10,000 predictions, tell what became of each. Replacing needs the admin key."""
        replace_old = labels.read_on_conflict(request.scope["query_string"])
        if replace_old:
            self.admin.admit(request.scope["headers"])
        with self.labels.room():
            body = await read_body(request.scope, request.receive, BATCH_BYTES)
            take = partial(self.labels.take, body, replace=replace_old)
            return _json(200, await to_thread.run_sync(take, limiter=self.labels.one))

    async def metrics(self) -> Response:
        """Metrics in Prometheus' text format."""
        return Response(await to_thread.run_sync(self.service.metrics.render), media_type=CONTENT_TYPE_LATEST)

    async def stats(self) -> Response:
        """Requests, errors and latencies by path, and predictions by outcome, since the service started."""
        return _json(200, (await to_thread.run_sync(stats.stats, self.service)).model_dump())

    async def monitoring_stats(self) -> Response:
        """Predictions in the store (all, the last 100, the last hour), their labels, and the last monitoring run."""
        return _json(200, (await to_thread.run_sync(stats.monitoring_stats, self.service)).model_dump())

    async def data(self, request: Request) -> Response:
        """The data by column, rows beyond the model's bounds included, for charts, where the project opens it."""
        return await to_thread.run_sync(carried.data, self.service, request.headers)

    async def reload(self, request: Request) -> Response:
        """Make the registry's champion live now; answers once every worker serves it. Needs the admin key."""
        self.admin.admit(request.scope["headers"])
        return _json(200, await to_thread.run_sync(self.admin.reload, limiter=self.admin.one))

    async def v2(self) -> Response:
        """The server, by the Open Inference Protocol."""
        return _json(200, inference.server(self.service))

    async def v2_live(self) -> Response:
        """Whether the process answers at all."""
        return _json(200, {"live": True})

    async def v2_ready(self) -> Response:
        """Whether traffic should come here."""
        status, _ = info.readiness(self.service)
        return _json(status, {"ready": status == 200})

    async def v2_model(self, request: Request) -> Response:
        """The model's tensors."""
        inference.check_model(self.service, **request.path_params)
        return _json(200, inference.model(self.service))

    async def v2_model_ready(self, request: Request) -> Response:
        """Whether traffic for the model should come here."""
        inference.check_model(self.service, **request.path_params)
        status, _ = info.readiness(self.service)
        return _json(status, {"name": self.service.spec.name, "ready": status == 200})

    async def v2_infer(self, request: Request) -> Response:
        """Answer up to 10,000 rows given as tensors, all or none."""
        wish = read_wish(request.scope)
        with self._room():
            body = await read_body(request.scope, request.receive, BATCH_BYTES, takes=(JSON, BINARY))
            inference.check_model(self.service, **request.path_params)
            infer = partial(inference.infer, self.service, asked(request.scope, body))
            length = request.headers.get(inference.JSON_LENGTH)
            answer = await to_thread.run_sync(infer, length, wish, limiter=self.batches)
        if not answer.raw:
            return Response(answer.json, media_type=JSON)
        headers = {inference.JSON_LENGTH: str(len(answer.json))}
        return Response(answer.json + answer.raw, headers=headers, media_type=BINARY)

    async def invocations(self, request: Request) -> Response:
        """Answer up to 10,000 rows (100 with explain=true) given as MLflow takes them, all or none."""
        wish = read_wish(request.scope)
        invoke = invocations.invoke_csv if media_type(request.scope["headers"]) == CSV else invocations.invoke
        aside = self.explanations if wish.explain else self.batches
        with self._room():
            body = await read_body(request.scope, request.receive, BATCH_BYTES, takes=(JSON, CSV))
            content = await to_thread.run_sync(invoke, self.service, asked(request.scope, body), wish, limiter=aside)
        return Response(content, media_type=JSON)

    async def ping(self) -> Response:
        """Whether traffic should come here, told by the status alone."""
        status, _ = info.readiness(self.service)
        return Response("\n", status, media_type=JSON)

    async def mlflow_version(self) -> Response:
        """The version of MLflow whose scoring protocol this is."""
        return Response(invocations.mlflow_version(), media_type="text/plain")

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Keep a large body in memory only where not too many are there; raises Overloaded."""
        try:
            self.rooms.acquire_nowait()
        except WouldBlock:
            raise Overloaded("Too many batches are waiting.", remedy="Try again later, or add workers.") from None
        try:
            yield
        finally:
            self.rooms.release()

    async def _predict_alone(self, request: Request, wish: flow.Wish) -> Response:
        body = await read_body(request.scope, request.receive, PREDICT_BYTES)
        one = asked(request.scope, body)
        content = await to_thread.run_sync(flow.predict_alone, self.service, one, wish, limiter=self.explanations)
        return Response(content, media_type=JSON)


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), status, media_type=JSON)
