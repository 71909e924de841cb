"""A drift check as it is run: where its rows come from, what it says and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from toys import LATE, go_live, orders, project, write_candidate

from portfolio import terminal
from portfolio.bundle import ANYONE, load, seal, sign
from portfolio.bundle.keys import SigningKey
from portfolio.data.frames import frame_of
from portfolio.data.source import copy
from portfolio.errors import DataError, ModelNotAvailable
from portfolio.monitoring.sources import Order
from portfolio.monitoring.sources_command import run_drift
from portfolio.profile import profile
from portfolio.spec import Dataset, ModelSpec

ROWS = 600


def csv(*, seed: int, heavier: float = 0.0, rows: int = ROWS) -> bytes:
    table = pd.DataFrame(orders(rows, seed=seed))
    table["weight"] += heavier
    return table.assign(late=np.arange(rows) % 2).to_csv(index=False).encode()


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: SigningKey) -> ModelSpec:
    """The toy with a model whose reference is ROWS random orders, and a mirror with its pinned data."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "orders.csv").write_bytes(csv(seed=2))
    monkeypatch.setenv("DATA_MIRROR", str(mirror))
    pinned = Dataset(name="Orders", licence="CC0", sha256=(sha256(csv(seed=2)).hexdigest(),))
    source = replace(LATE.source, mirror="orders.csv", url="http://127.0.0.1:9/orders.csv", datasets=(pinned,))
    placed = project(replace(LATE, source=source), tmp_path / "project")
    bundle = write_candidate(placed, placed.root / "models" / "v1")
    frame = frame_of(orders(ROWS, seed=1), placed.request.COLUMNS)
    scorer = load(bundle, placed, ANYONE)
    reference = profile({**frame, "score": scorer.margins(frame)})
    real = scorer.manifest.data.model_copy(update={"synthetic": False})
    found = {"reference": reference, "test_rows": ROWS, "data": real, "files": {}}
    seal(bundle, scorer.manifest.model_copy(update=found))
    sign(bundle, key)
    go_live(bundle, model_version="v1")
    return placed


def at_source(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mirror" / "orders.csv").write_bytes(content)


def given(tmp_path: Path, content: bytes) -> Order:
    (tmp_path / "given.csv").write_bytes(content)
    return Order(address=str(tmp_path / "given.csv"))


def test_rows_like_the_reference_are_ok(spec: ModelSpec, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_drift([spec], Order(), report=None) == 0
    shown = capsys.readouterr().out
    assert "toylate: ok" in shown
    assert f"reference: {ROWS} test rows of Orders, model v1" in shown


def test_real_rows_are_not_compared_with_those_of_a_synthetic_sample(spec: ModelSpec, key: SigningKey) -> None:
    bundle = spec.root / "models" / "v1"
    manifest = load(bundle, spec, ANYONE).manifest
    sample = manifest.data.model_copy(update={"synthetic": True})
    (bundle / "model.sig").unlink()
    seal(bundle, manifest.model_copy(update={"data": sample, "files": {}}))
    sign(bundle, key)
    with pytest.raises(DataError, match="synthetic sample"):
        run_drift([spec], Order(), report=None)


def test_rows_that_moved_are_acted_upon_and_the_column_is_named(spec: ModelSpec, tmp_path: Path) -> None:
    report = tmp_path / "reports" / "drift.json"
    assert run_drift([spec], given(tmp_path, csv(seed=2, heavier=4)), report=report) == 2
    (found,) = orjson.loads(report.read_bytes())
    assert found["state"] == "act"
    assert found["columns"][0]["column"] in {"weight", "score"}
    states = {column["column"]: column["state"] for column in found["columns"]}
    assert states["weight"] == "act"
    assert {states[name] for name in ("pieces", "colour", "note")} == {"ok"}
    assert found["current"]["rows"] == ROWS


def test_a_source_that_changed_is_watched_though_its_rows_are_alike(
    spec: ModelSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_source(tmp_path, csv(seed=3))
    assert run_drift([spec], Order(), report=tmp_path / "drift.json") == 1
    assert "the source has changed" in capsys.readouterr().out
    assert orjson.loads((tmp_path / "drift.json").read_bytes())[0]["current"]["pinned"] is False


def test_rows_of_ones_own_need_no_pin(spec: ModelSpec, tmp_path: Path) -> None:
    assert run_drift([spec], given(tmp_path, csv(seed=3)), report=None) == 0


def test_too_few_rows_are_not_judged(spec: ModelSpec, tmp_path: Path) -> None:
    assert run_drift([spec], given(tmp_path, csv(seed=3, rows=20)), report=None) == 3


def test_the_data_in_place_stays_as_it_is(spec: ModelSpec, tmp_path: Path) -> None:
    raw = spec.root / "data" / "raw" / "orders.csv"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"mine")
    at_source(tmp_path, csv(seed=3))
    run_drift([spec], Order(), report=None)
    assert raw.read_bytes() == b"mine"


def test_a_source_out_of_reach_is_an_error_with_a_remedy(spec: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "orders.csv").unlink()
    with pytest.raises(DataError, match=r"orders\.csv can't be had"):
        run_drift([spec], Order(), report=None)


def test_without_a_model_there_is_nothing_to_compare_with(spec: ModelSpec) -> None:
    (spec.root / "models" / "current").unlink()
    with pytest.raises(ModelNotAvailable, match="make train PROJECT=toylate"):
        run_drift([spec], Order(), report=None)


def test_a_packed_file_is_known_by_its_content(spec: ModelSpec, tmp_path: Path) -> None:
    frame = pd.DataFrame({"pieces": [1]})
    frame.to_csv(tmp_path / "rows.csv.gz", index=False)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    copies = [copy(spec, str(tmp_path / name), tmp_path / "copies") for name in ("rows.csv.gz", "rows.csv")]
    assert copies[0].sha256 == copies[1].sha256


@pytest.mark.parametrize("failure", [DataError("No."), RuntimeError("Broken.")])
def test_what_could_not_be_judged_is_never_taken_for_watch(
    failure: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> Callable[[], int]:
        raise failure

    with pytest.raises(SystemExit) as ended:
        terminal.run(command, failed=3)  # type: ignore[arg-type]
    assert ended.value.code == 3
    assert str(failure) in capsys.readouterr().err
