"""What a service says about itself and its model."""

from __future__ import annotations

import gzip
from dataclasses import replace
from importlib.metadata import version as installed
from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient
from toys import COST, LATE, go_live, project, write_bundle

from portfolio.serving import create_app
from portfolio.spec import Frame, ModelSpec


def test_the_front_page_leads_to_paths_that_exist(client: TestClient) -> None:
    page = client.get("/").json()
    assert (page["name"], page["title"]) == ("toylate", "Late orders")
    assert {client.get(link).status_code for link in page["links"].values()} == {200, 405}


def test_a_service_with_a_model_is_healthy(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    health = answer.json()
    assert health.pop("uptime_seconds") >= 0
    assert health == {
        "status": "healthy",
        "version": "unknown",
        "model_loaded": True,
        "model_name": "toylate",
        "model_version": "7",
    }


def test_a_service_without_a_model_is_not(empty_client: TestClient) -> None:
    answer = empty_client.get("/health")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    health = answer.json()
    assert (health["status"], health["model_loaded"], health["model_version"]) == ("unhealthy", False, None)


def test_the_version_is_the_installed_packages(tmp_path: Path) -> None:
    with TestClient(create_app(replace(project(LATE, tmp_path / "p"), name="portfolio"))) as client:
        assert client.get("/health").json()["version"] == installed("portfolio")


def test_it_lives_even_without_a_model(empty_client: TestClient) -> None:
    assert empty_client.get("/health/live").status_code == 200


def test_it_is_ready_with_a_model_only(client: TestClient, empty_client: TestClient) -> None:
    assert client.get("/health/ready").status_code == 200
    assert empty_client.get("/health/ready").status_code == 503


def test_the_model_tells_where_it_comes_from(client: TestClient) -> None:
    info = client.get("/model/info").json()
    assert (info["model_version"], info["bundle_version"], info["source"]) == ("7", "v1", "local")
    assert info["since"] == "2026-01-02T00:00:00+00:00"
    assert info["data"]["label"] == "Orders (synthetic sample)"
    assert info["data"]["rows"] == 500


def test_the_model_tells_its_measured_quality(client: TestClient) -> None:
    info = client.get("/model/info").json()
    assert set(info["metrics"]) == {"model", "dummy", "defaults"}
    assert info["metrics"]["model"]["auc"] == {"value": 0.8, "low": 0.7, "high": 0.9}
    assert info["slices"]["colour"]["red"]["auc"]["value"] == 0.8
    assert info["parity"]["passed"] is True
    assert info["threshold"] == 0.4


def test_the_model_tells_its_features(client: TestClient) -> None:
    features = client.get("/model/info").json()["features"]
    assert features == {"numeric": ["pieces", "weight", "load"], "categorical": ["colour", "note"]}


def test_the_model_tells_of_the_code_that_runs(late: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMIT", "0123abc")
    with TestClient(create_app(late)) as client:
        info = client.get("/model/info").json()
    fingerprint = info["features_fingerprint"]  # of the code that trained it, which is the same
    assert info["code"] == {"version": "unknown", "git_commit": "0123abc", "features_fingerprint": fingerprint}


def test_other_features_show_in_the_running_codes_fingerprint(late: ModelSpec) -> None:
    def features(frame: Frame) -> Frame:
        return late.features(frame)

    with TestClient(create_app(replace(late, features=features))) as client:
        info = client.get("/model/info").json()
    assert info["code"]["git_commit"] == "unknown"
    assert info["code"]["features_fingerprint"] != info["features_fingerprint"]


def test_a_model_alone_follows_no_registry_and_has_not_failed(client: TestClient) -> None:
    info = client.get("/model/info").json()
    assert (info["follows_registry"], info["live_versions"], info["last_failure"]) == (False, ["7"], None)


def test_golden_rows_stay_inside(client: TestClient) -> None:
    assert "golden" not in client.get("/model/info").json()


def test_without_a_model_there_is_nothing_to_tell(empty_client: TestClient) -> None:
    answer = empty_client.get("/model/info")
    assert answer.status_code == 503
    assert (answer.json()["title"], answer.json()["detail"]) == (
        "Model not available",
        "No model of toylate is loaded.",
    )


def test_without_a_model_it_is_told_which_one_was_refused(tmp_path: Path) -> None:
    spec = project(LATE, tmp_path / "toylate")
    go_live(write_bundle(spec, spec.root / "models" / "v1"), model_version="1")
    (spec.root / "models" / "v1" / "model.onnx").write_bytes(b"x")
    with TestClient(create_app(spec)) as client:
        answer = client.get("/model/info")
    assert answer.status_code == 503
    assert "Version 1 did not go live (load, altered)" in answer.json()["detail"]
    assert "model.onnx" in answer.json()["detail"]
    assert "make train PROJECT=toylate" in answer.json()["remedy"]


def test_the_card_of_the_live_model_is_served(cost_client: TestClient) -> None:
    answer = cost_client.get("/model/card")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# ")


def test_a_bundle_without_a_card_is_told(tmp_path: Path) -> None:
    spec = project(COST, tmp_path / "toycost")
    bundle = write_bundle(spec, spec.root / "models" / "v1")
    go_live(bundle, model_version="1")
    with TestClient(create_app(spec)) as client:
        (bundle / "model_card.md").unlink()
        assert (client.get("/model/card").status_code, client.get("/health").status_code) == (404, 200)


def test_open_data_is_served_packed_as_it_lies(cost_client: TestClient) -> None:
    answer = cost_client.get("/data", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"rows": 1, "columns": {"pieces": [3]}}


def test_open_data_is_unpacked_for_who_can_not(cost_client: TestClient) -> None:
    answer = cost_client.get("/data", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.json() == {"rows": 1, "columns": {"pieces": [3]}}


def test_data_is_closed_unless_the_spec_opens_it(client: TestClient) -> None:
    answer = client.get("/data")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_older_bundle_without_data_is_told(tmp_path: Path) -> None:
    spec = project(COST, tmp_path / "toycost")
    go_live(write_bundle(replace(spec, open_data=False), spec.root / "models" / "v1"), model_version="1")
    with TestClient(create_app(spec)) as client:
        answer = client.get("/data")
    assert answer.status_code == 404
    assert "carries no data" in answer.json()["detail"]


def test_open_data_needs_a_model(tmp_path: Path) -> None:
    with TestClient(create_app(project(COST, tmp_path / "toycost"))) as client:
        assert client.get("/data").status_code == 503


def test_the_packed_data_is_the_bundles_file(cost_client: TestClient) -> None:
    spec_data = orjson.dumps({"rows": 1, "columns": {"pieces": [3]}})
    with cost_client.stream("GET", "/data", headers={"accept-encoding": "gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())) == spec_data
