"""A spec as an ASGI application."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from portfolio.predictions.journal import Journal
from portfolio.predictions.room import Bound
from portfolio.predictions.segments import JOURNAL
from portfolio.serving import flow, openapi, problems
from portfolio.serving.admin import Admin
from portfolio.serving.board import Board
from portfolio.serving.drain import Drain
from portfolio.serving.edge import Edge
from portfolio.serving.labels import Labels
from portfolio.serving.live import Live
from portfolio.serving.metrics import Metrics
from portfolio.serving.parent import end_with
from portfolio.serving.routes import Endpoints, add_routes
from portfolio.serving.service import Code, Service
from portfolio.serving.shortcut import Shortcut
from portfolio.serving.turn import Turn
from portfolio.serving.watch import Watch
from portfolio.settings import Settings, read_config, read_settings
from portfolio.spec import ModelSpec


class Application(openapi.Documented):
    """FastAPI, and a way past it for connections that know of it."""

    shortcut: Shortcut


def build(spec: ModelSpec) -> Application:
    """The application of one project; its model is loaded when the server starts it."""
    settings = read_settings()
    board = Board.of_this_service()
    metrics = Metrics(spec, board)
    service = Service(
        spec,
        Live(spec),
        metrics,
        Drain(settings.drain_seconds),
        board,
        Code.running(spec),
        _journal(spec, settings, metrics, board),
        access_log=settings.access_log,
    )
    turn: Turn[flow.Asked, bytes] = Turn(partial(flow.predict, service))
    app = Application(
        title=spec.title,
        version=service.code.version,
        description=f"Predictions of the model `{spec.name}`.",
        lifespan=lambda _: _lifespan(service),
        redoc_url=None,
        redirect_slashes=False,
    )
    app.request_schemas = openapi.request_schemas(spec.request)
    app.add_middleware(Edge, service=service)
    app.shortcut = Shortcut(service, turn)
    problems.install(app)
    add_routes(app, Endpoints(service, turn, Admin(service, settings.admin_key), Labels(spec, settings)))
    service.metrics.open((getattr(route, "path", "") for route in app.routes), service.journal)
    supervisor = multiprocessing.parent_process()
    if board.folder and supervisor and supervisor.pid:
        end_with(supervisor.pid)
    return app


def _journal(spec: ModelSpec, settings: Settings, metrics: Metrics, board: Board) -> Journal | None:
    """None where the project's configuration says so."""
    if not read_config(spec.root / "configs" / "config.yaml").journal:
        return None

    def stored() -> Mapping[str, int]:
        shipment = board.shipment()
        return shipment.stored if shipment else {}

    bound, folder = Bound.of(settings), spec.root / JOURNAL
    return Journal(folder, bound, metrics, sync=settings.journal_fsync, stored=stored)


def _lifespan(service: Service) -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        watch = Watch(service.spec, service.live, service.board, failed=service.metrics.load_failed)
        watch.start()
        if service.journal:
            service.journal.open()
        service.drain.listen()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: no later collection has to look through it
        yield
        watch.stop()
        if service.journal:
            service.journal.close()

    return lifespan()
