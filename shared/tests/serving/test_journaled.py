"""What the API keeps of its predictions, and what it answers where it can't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from toys import COST, LATE, ORDER, go_live, orders, project, write_bundle

from portfolio.predictions import segments as written
from portfolio.predictions.segments import Record, scan, segments
from portfolio.serving import create_app
from portfolio.serving.board import Reason, Stage
from portfolio.spec import ModelSpec


@pytest.fixture
def spec(late: ModelSpec, tmp_path: Path) -> ModelSpec:
    """A project with a model whose journal is its own."""
    return placed(LATE, tmp_path)


def placed(spec: ModelSpec, folder: Path) -> ModelSpec:
    found = project(spec, folder / spec.name)
    go_live(write_bundle(found, found.root / "models" / "v1"), model_version="7")
    return found


@pytest.fixture
def api(spec: ModelSpec) -> Iterator[TestClient]:
    with TestClient(create_app(spec), raise_server_exceptions=False) as client:
        yield client


def kept(spec: ModelSpec) -> list[dict[str, Any]]:
    """Every prediction in the journal."""
    names = ("prediction_id", "latency", "score", "decision", "request_id", "entity_id")
    found = []
    for path in segments(spec.root / "journal"):
        for record in scan(path.read_bytes()):
            assert isinstance(record, Record)
            version, bundle, role, fields, lines = orjson.loads(record.payload)
            author = {"model_version": version, "bundle": bundle, "role": role}
            for *said, values in lines:
                features = dict(zip(fields, values, strict=True))
                found.append(author | dict(zip(names, said, strict=True)) | {"features": features})
    return found


def samples(client: TestClient) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {s.name + "".join(s.labels.values()): s.value for family in families for s in family.samples}


def test_a_prediction_is_kept_as_it_was_answered(spec: ModelSpec, api: TestClient) -> None:
    headers = {"X-Request-ID": "r1", "X-Entity-ID": "customer 12"}
    answer = api.post("/predict", json={"pieces": 3, "colour": "red"}, headers=headers).json()
    [one] = kept(spec)
    assert one.pop("latency") > 0
    assert one == {
        "model_version": "7",
        "bundle": "v1",
        "role": "champion",
        "prediction_id": answer["prediction_id"],
        "score": answer["probability"],
        "decision": answer["late"],
        "request_id": "r1",
        "entity_id": "customer 12",
        "features": {"pieces": 3, "weight": None, "colour": "red", "note": ""},
    }


def test_an_amount_is_kept_without_a_decision(tmp_path: Path) -> None:
    spec = placed(COST, tmp_path)
    with TestClient(create_app(spec)) as client:
        answer = client.post("/predict", json=ORDER).json()
        [one] = kept(spec)
    assert (one["score"], one["decision"]) == (answer["cost"], None)


def tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = {"pieces": "INT64", "weight": "FP64", "colour": "BYTES", "note": "BYTES"}
    inputs = [
        {"name": name, "datatype": kind, "shape": [len(rows)], "data": [row.get(name) for row in rows]}
        for name, kind in kinds.items()
    ]
    return {"inputs": inputs}


PATHS: dict[str, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {
    "/predict": lambda rows: rows[0],
    "/predict?explain=true": lambda rows: rows[0],
    "/explain": lambda rows: rows[0],
    "/predict/batch": lambda rows: {"instances": rows},
    "/predict/batch?explain=true": lambda rows: {"instances": rows},
    "/invocations": lambda rows: {"dataframe_records": rows},
    "/v2/models/toylate/infer": tensors,
}


@pytest.mark.parametrize("path", PATHS)
def test_every_way_to_ask_is_kept(spec: ModelSpec, api: TestClient, path: str) -> None:
    answer = api.post(path, json=PATHS[path](orders(1)), headers={"X-Entity-ID": "ann", "X-Request-ID": "r"})
    assert answer.status_code == 200, answer.text
    [one] = kept(spec)
    assert one["prediction_id"] in answer.text
    assert (one["entity_id"], one["request_id"]) == ("ann", "r")


@pytest.mark.parametrize("path", ["/predict/batch", "/invocations", "/v2/models/toylate/infer"])
def test_rows_of_one_request_share_its_id_and_no_entity(spec: ModelSpec, api: TestClient, path: str) -> None:
    api.post(path, json=PATHS[path](orders(3)), headers={"X-Entity-ID": "ann", "X-Request-ID": "r"})
    assert [(one["entity_id"], one["request_id"]) for one in kept(spec)] == [("", "r")] * 3
    assert len({one["prediction_id"] for one in kept(spec)}) == 3


@pytest.mark.parametrize("path", PATHS)
def test_a_dry_run_leaves_no_trace(spec: ModelSpec, api: TestClient, path: str) -> None:
    asked = path + ("&" if "?" in path else "?") + "dry_run=true"
    assert api.post(asked, json=PATHS[path](orders(1))).status_code == 200
    assert kept(spec) == []
    shown = samples(api)
    assert (shown["journal_predictions_total"], shown["prediction_probability_count"]) == (0, 0)


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_refused_row_is_not_kept(spec: ModelSpec, api: TestClient, path: str) -> None:
    assert api.post(path, json={}).status_code == 422
    assert kept(spec) == []


def test_an_insane_entity_is_none(spec: ModelSpec, api: TestClient) -> None:
    for entity in (b"", b"\xff", b"x" * 129):
        api.post("/predict", json=ORDER, headers={b"X-Entity-ID": entity})  # type: ignore[arg-type]
    assert [one["entity_id"] for one in kept(spec)] == ["", "", ""]


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_cannot_be_written_is_neither_kept_nor_counted(spec: ModelSpec, path: str) -> None:
    unwritable = replace(spec, respond=lambda outcome, _: {"probability": object(), "late": object(), "mood": object()})
    with TestClient(create_app(unwritable), raise_server_exceptions=False) as api:
        assert api.post(path, json=PATHS[path](orders(1))).status_code == 500
        assert kept(spec) == []
        assert samples(api)["prediction_probability_count"] == 0


def test_a_journal_that_cannot_be_written_costs_no_answer(spec: ModelSpec) -> None:
    (spec.root / "journal").touch()
    with TestClient(create_app(spec)) as api:
        assert api.post("/predict", json=ORDER).status_code == 200
        assert api.post("/predict/batch", json={"instances": orders(3)}).status_code == 200
        shown = samples(api)
    assert (shown["journal_lost_totalunwritable"], shown["journal_lost_totalfull"]) == (4, 0)
    assert (shown["journal_predictions_total"], shown["prediction_probability_count"]) == (0, 4)


@pytest.mark.parametrize("path", PATHS)
def test_what_cannot_be_kept_may_be_refused(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("JOURNAL_WHEN_FULL", "refuse")
    (spec.root / "journal").touch()
    with TestClient(create_app(spec)) as api:
        answer = api.post(path, json=PATHS[path](orders(1)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["title"] == "Journal full"
        shown = samples(api)
        assert (shown["prediction_probability_count"], shown["journal_refused_totalunwritable"]) == (0, 1)
        (spec.root / "journal").unlink()


CONTRACT = {
    "journal_predictions_total", "journal_lost_totalfull", "journal_lost_totalunwritable", "journal_shipped_total",
    "journal_refused_totalfull", "journal_refused_totalunwritable", "journal_torn_total", "journal_damaged_total",
    "journal_bytes", "journal_max_bytes", "journal_oldest_seconds",
    "journal_disk_free_bytes", "journal_disk_bytes",
}  # fmt: skip


def test_every_figure_is_there_from_the_start(api: TestClient) -> None:
    shown = samples(api)
    assert {name for name in shown if name.startswith("journal")} == CONTRACT
    assert shown["journal_max_bytes"] == 2**30
    assert 0 < shown["journal_disk_free_bytes"] < shown["journal_disk_bytes"]
    failures = {f"model_load_failures_total{stage}{reason}" for stage in get_args(Stage) for reason in get_args(Reason)}
    failures |= {
        f"model_load_failures_total{reason}{stage}" for stage in get_args(Stage) for reason in get_args(Reason)
    }
    assert sum(shown[name] for name in failures & shown.keys()) == 0
    assert len(failures & shown.keys()) == 18


def test_what_waits_is_shown(api: TestClient) -> None:
    api.post("/predict", json=ORDER)
    shown = samples(api)
    assert 100 < shown["journal_bytes"] < 1000
    assert 0 < shown["journal_oldest_seconds"] < 60


def test_a_project_may_keep_nothing(spec: ModelSpec) -> None:
    with (spec.root / "configs" / "config.yaml").open("a") as file:
        file.write("journal: false\n")
    with TestClient(create_app(spec)) as api:
        assert api.post("/predict", json=ORDER).status_code == 200
        shown = samples(api)
    assert not any(name.startswith("journal") for name in shown)
    assert shown["prediction_probability_count"] == 1
    assert not (spec.root / "journal").exists()


@pytest.mark.parametrize(("wish", "synchronised"), [("1", 2), ("0", 0)])
def test_predictions_survive_a_loss_of_power_where_that_is_wished(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, wish: str, synchronised: int
) -> None:
    files: list[int] = []
    monkeypatch.setenv("JOURNAL_FSYNC", wish)
    monkeypatch.setattr(written.os, "fdatasync", files.append)
    with TestClient(create_app(spec)) as api:
        assert [api.post("/predict", json=ORDER).status_code for _ in range(2)] == [200, 200]
    assert len(files) == synchronised


def test_an_application_that_was_never_asked_leaves_no_file(spec: ModelSpec) -> None:
    with TestClient(create_app(spec)):
        assert len(segments(spec.root / "journal")) == 1
    assert list((spec.root / "journal").iterdir()) == []
