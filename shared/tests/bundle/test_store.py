"""A bundle is verified before it is parsed, and refused where it does not score as it did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import COST, LATE, features, orders, write_bundle

from portfolio.bundle import ANYONE, contributions, load, verify
from portfolio.bundle.pyfunc import PyfuncModel
from portfolio.data.frames import frame_of
from portfolio.errors import BundleError, RequestRefused
from portfolio.spec import Frame


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(LATE, tmp_path / "v1")


@pytest.mark.parametrize("name", ["model.onnx", "booster.txt"])
def test_one_altered_byte_is_refused_by_name(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"not as it was sealed: {name}"):
        verify(bundle, ANYONE)


def test_a_missing_and_an_added_file_are_refused_by_name(bundle: Path) -> None:
    (bundle / "booster.txt").unlink()
    (bundle / "extra.pkl").write_bytes(b"")
    with pytest.raises(BundleError, match=r"booster.txt, extra.pkl"):
        verify(bundle, ANYONE)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 2}', b"\xff"])
def test_a_broken_manifest_is_refused(bundle: Path, content: bytes) -> None:
    (bundle / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match="not a manifest of format 1"):
        verify(bundle, ANYONE)


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle.json"):
        verify(tmp_path, ANYONE)


def test_a_bundle_of_another_project_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="a model of toylate, not of toycost"):
        load(bundle, COST, ANYONE)


def test_feature_code_that_scores_otherwise_is_refused_with_the_way_out(bundle: Path) -> None:
    def changed(frame: Frame) -> Frame:
        return features(frame | {"pieces": frame["pieces"] + 1})

    with pytest.raises(BundleError, match=r"golden row scores .* off .*changed since training.*commit unknown"):
        load(bundle, replace(LATE, features=changed), ANYONE)


def test_feature_code_that_lacks_a_column_is_refused_by_name(bundle: Path) -> None:
    def fewer(frame: Frame) -> Frame:
        return {name: values for name, values in features(frame).items() if name != "load"}

    with pytest.raises(BundleError, match="no feature 'load'"):
        load(bundle, replace(LATE, features=fewer), ANYONE)


@pytest.mark.parametrize("family", ["lightgbm", "linear"])
@pytest.mark.parametrize("spec", [LATE, COST], ids=["binary", "regression"])
def test_contributions_add_up_for_every_family_and_task(tmp_path: Path, spec: object, family: str) -> None:
    scorer = load(write_bundle(spec, tmp_path / "v1", family=family), spec, ANYONE)  # type: ignore[arg-type]
    frame = frame_of(orders(50, seed=8), scorer.spec.request.COLUMNS)
    answers = scorer.answers(scorer.margins(frame))
    shown = contributions(scorer, frame)
    assert [c.base + sum(c.fields.values()) + c.calibration for c in shown] == pytest.approx(answers.tolist())
    margins = scorer.margins(frame)
    assert [c.base + sum(c.fields.values()) for c in shown] == pytest.approx(margins.tolist(), abs=1e-4)
    assert any(abs(c.fields["pieces"]) > 0.01 for c in shown)


def test_contributions_of_another_model_are_not_shown(tmp_path: Path) -> None:
    scorer = load(write_bundle(LATE, tmp_path / "v1"), LATE, ANYONE)
    other = write_bundle(LATE, tmp_path / "v2", seed=5)
    rows = frame_of(orders(50), LATE.request.COLUMNS)
    with pytest.raises(BundleError, match=r"not as it was sealed: booster.txt"):
        contributions(replace(scorer, directory=other), rows)
    files = verify(other, ANYONE).files
    with pytest.raises(BundleError, match="contributions add up to"):
        contributions(
            replace(scorer, directory=other, manifest=scorer.manifest.model_copy(update={"files": files})), rows
        )


@pytest.mark.parametrize("version", ["../up", "a/b", "", ".hidden", "/abs"])
def test_a_bundle_cannot_name_a_folder_outside_its_own(bundle: Path, version: str) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"version": version}))
    with pytest.raises(BundleError, match="not a manifest of format 1"):
        verify(bundle, ANYONE)


def test_a_derived_feature_is_shared_out_among_its_fields(tmp_path: Path) -> None:
    scorer = load(write_bundle(COST, tmp_path / "v1", family="linear"), COST, ANYONE)
    (shown,) = contributions(scorer, frame_of([{"pieces": 3, "weight": 2.0, "colour": "red"}], COST.request.COLUMNS))
    terms, encoded = scorer.manifest.linear, scorer.manifest.encoded
    assert terms is not None
    values = scorer.encoded(frame_of([{"pieces": 3, "weight": 2.0, "colour": "red"}], COST.request.COLUMNS))[0]
    parts = (values - np.array(terms.center)) / np.array(terms.scale) * np.array(terms.weights)
    own, load_part = parts[encoded.index("weight")], parts[encoded.index("load")]
    assert shown.fields["weight"] == pytest.approx(own + load_part / 2)


def test_a_number_beyond_float32_is_refused_by_field(tmp_path: Path) -> None:
    scorer = load(write_bundle(LATE, tmp_path / "v1"), LATE, ANYONE)
    huge = frame_of([{"pieces": 3, "weight": 1e39, "colour": "red"}], LATE.request.COLUMNS)
    with pytest.raises(RequestRefused, match="too large to score: weight") as caught:
        scorer.margins(huge)
    assert caught.value.status == 422


def test_mlflows_loader_predicts_from_a_table(tmp_path: Path) -> None:
    import pandas as pd

    scorer = load(write_bundle(COST, tmp_path / "v1"), COST, ANYONE)
    rows = [{"pieces": 3, "weight": None, "colour": "red"}, {"pieces": 9, "weight": 2.0, "colour": "blue"}]
    answers = PyfuncModel(scorer, {}).predict(pd.DataFrame(rows))
    outcomes = scorer.outcomes(frame_of(rows, COST.request.COLUMNS))
    assert answers == [COST.respond(outcome, {}) for outcome in outcomes]
