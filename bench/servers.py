"""What is measured: how each server is started, what it is asked, and what it must answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.model import BENCH, PIPELINE, PROJECT, ROOT, Model, Row

BIN = Path(sys.executable).parent
PEERS = ROOT / "bench" / "peers"
UVICORN = (
    "--http",
    "httptools",
    "--ws",
    "none",
    "--loop",
    "uvloop",
    "--no-access-log",
    "--no-server-header",
    "--no-proxy-headers",
)

Kind = Literal["ours", "yardstick", "peer"]


@dataclass(frozen=True)
class Server:
    """`command` names its port as {port}, and further ones as {more0}, {more1}. `batches`: joins waiting requests."""

    name: str
    kind: Kind
    command: tuple[str, ...]
    path: str
    body: Callable[[Row], Any]
    read: Callable[[Any], float]
    truth: Callable[[Model, Row], float]
    env: Mapping[str, str] = field(default_factory=dict)
    batches: bool = False
    how: str = ""


def servers() -> tuple[Server, ...]:
    """All of them, in the order of the report."""
    return (echo(), typed(), service(), uncounted(), mlflow(), bentoml(), bentoml_batchable(), litserve(), *mlservers())


def echo() -> Server:
    """The floor of anything in Python behind uvicorn."""
    return _application("raw ASGI echo", "echo", "yardstick", read=lambda answer: float(answer["Balance"]))


def typed() -> Server:
    """What the framework alone costs."""
    name = "FastAPI, empty typed endpoint"
    return _application(name, "typed", "yardstick", read=lambda answer: float(answer["churn_probability"]))


def service() -> Server:
    """The service as users start it."""
    return Server(
        name="/predict",
        kind="ours",
        command=(str(BIN / "portfolio"), "serve", PROJECT, "--port", "{port}"),
        path="/predict",
        body=_row,
        read=_ours,
        truth=Model.probability,
        env={"MLFLOW_TRACKING_URI": "", "WORKERS": "1", "DRAIN_SECONDS": "0", **in_copy("service")},
        how="`portfolio serve bankchurn`, `WORKERS=1`, no MLflow, the bundle on disk",
    )


def in_copy(copy: str) -> dict[str, str]:
    """The environment in which the project is a copy of it, with a store of its own."""
    folder = BENCH / "copies" / copy
    return {"PYTHONPATH": str(folder / PROJECT / "src"), "DATABASE_URL": f"sqlite:///{folder / 'store.db'}"}


def uncounted() -> Server:
    """The service without journal and metrics: the one place that says how they are switched off."""
    return Server(
        name="/predict without journal and metrics",
        kind="ours",
        command=(*uvicorn("bench.apps.uncounted:app"), "--http", "portfolio.serving.connection:Connection"),
        path="/predict",
        body=_row,
        read=_ours,
        truth=Model.probability,
        env={"MLFLOW_TRACKING_URI": "", "DRAIN_SECONDS": "0"},
        how="the same application under the same uvicorn options, nothing counted, nothing journaled",
    )


def mlflow() -> Server:
    """MLflow's own command for serving."""
    folder = BENCH / "mlflow"
    binary = folder / "venv" / "bin"
    serve = ("models", "serve", "--env-manager", "local", "--workers", "1", "--host", "127.0.0.1", "--port", "{port}")
    return Server(
        name="mlflow models serve",
        kind="peer",
        command=(str(binary / "mlflow"), *serve, "--model-uri", str(folder / "model")),
        path="/invocations",
        body=lambda row: {"dataframe_records": [row]},
        read=lambda answer: float(answer["predictions"][0][1]),
        truth=Model.uncalibrated,
        env=_environment("mlflow") | {"UVICORN_ACCESS_LOG": "false", "UVICORN_LOG_LEVEL": "warning"},
        how="`mlflow models serve --env-manager local --workers 1`, no signature (faster), `dataframe_records`",
    )


def bentoml() -> Server:
    """A service with one API."""
    how = "`bentoml serve`, one worker, a pandas DataFrame in"
    return _bento("BentoML", "plain", body=lambda row: {"customers": [row]}, how=how)


def bentoml_batchable() -> Server:
    """The same with adaptive batching."""
    how = "`bentoml serve`, one worker, `batchable=True`, a list of rows in"
    return _bento("BentoML, batchable", "batchable", body=lambda row: {"customers": [row]}, how=how, batches=True)


def litserve() -> Server:
    """LitServe with batching and its fast queue."""
    python = BENCH / "litserve" / "venv" / "bin" / "python"
    return Server(
        name="LitServe, batched",
        kind="peer",
        command=(str(python), str(PEERS / "litserve" / "serve.py"), "{port}"),
        path="/predict",
        body=_row,
        read=_ours,
        truth=Model.uncalibrated,
        env=_environment("litserve"),
        batches=True,
        how="one API server, one worker, `max_batch_size=16`, `fast_queue=True`",
    )


def mlservers() -> tuple[Server, Server]:
    """MLServer with its scikit-learn runtime, without and with adaptive batching."""
    how = "`mlserver start`, scikit-learn runtime, V2 protocol with the pandas content type"
    return _mlserver("MLServer", "plain", how=how), _mlserver(
        "MLServer, adaptive batching", "batched", how=how, batches=True
    )


def _application(name: str, module: str, kind: Kind, *, read: Callable[[Any], float]) -> Server:
    def truth(_: Model, row: Row) -> float:
        return float(row["Balance"]) if module == "echo" else 0.5

    return Server(name, kind, uvicorn(f"bench.apps.{module}:app"), "/predict", _row, read, truth, how="uvicorn")


def uvicorn(application: str) -> tuple[str, ...]:
    """The command that serves an application as `portfolio serve` does."""
    return (sys.executable, "-m", "uvicorn", application, "--port", "{port}", *UVICORN)


def _bento(name: str, module: str, *, body: Callable[[Row], Any], how: str, batches: bool = False) -> Server:
    binary = BENCH / "bentoml" / "venv" / "bin" / "bentoml"
    serve = ("serve", f"{module}:Churn", "--working-dir", str(PEERS / "bentoml"), "--host", "127.0.0.1")
    return Server(
        name=name,
        kind="peer",
        command=(str(binary), *serve, "--port", "{port}"),
        path="/predict",
        body=body,
        read=lambda answer: float(answer[0]),
        truth=Model.uncalibrated,
        env=_environment("bentoml") | {"BENTOML_HOME": str(BENCH / "bentoml" / "home"), "BENTOML_DO_NOT_TRACK": "true"},
        batches=batches,
        how=how,
    )


def _mlserver(name: str, folder: str, *, how: str, batches: bool = False) -> Server:
    return Server(
        name=name,
        kind="peer",
        command=(str(BENCH / "mlserver" / "venv" / "bin" / "mlserver"), "start", str(PEERS / "mlserver" / folder)),
        path=f"/v2/models/{folder}/infer",
        body=v2,
        read=lambda answer: float(answer["outputs"][0]["data"][1]),
        truth=Model.uncalibrated,
        env=_environment("mlserver")
        | {
            "MLSERVER_DEBUG": "false",
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{more0}",
            "MLSERVER_METRICS_PORT": "{more1}",
            "MLSERVER_PARALLEL_WORKERS": "0",
        },
        batches=batches,
        how=how,
    )


def v2(row: Row) -> dict[str, Any]:
    """One row in the V2 inference protocol, a column an input."""
    inputs = [_tensor(name, value) for name, value in row.items()]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": [{"name": "predict_proba"}]}


def _tensor(name: str, value: Any) -> dict[str, Any]:
    kind = "BYTES" if isinstance(value, str) else "INT64" if isinstance(value, int) else "FP64"
    text = {"parameters": {"content_type": "str"}} if kind == "BYTES" else {}
    return {"name": name, "datatype": kind, "shape": [1, 1], "data": [value]} | text


def _environment(peer: str) -> dict[str, str]:
    binary = BENCH / peer / "venv" / "bin"
    return {
        "CHURN_PIPELINE": str(PIPELINE),
        "PYTHONPATH": str(PEERS / "pipeline"),
        "PATH": f"{binary}:/usr/local/bin:/usr/bin:/bin",
    }


def _row(row: Row) -> Row:
    return row


def _ours(answer: Any) -> float:
    return float(answer["churn_probability"])


def encode(server: Server, row: Row) -> bytes:
    """The body that asks a server about a row."""
    return json.dumps(server.body(row), separators=(",", ":")).encode()
