"""Making and judging twins: what is written, what is refused, and how it ends."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from twin.flats import RECIPE, pin

from portfolio.data import source
from portfolio.errors import ConfigError, DataError
from portfolio.spec import ModelSpec
from portfolio.twin import command
from portfolio.twin.tables import twin_path

Output = Callable[[], str]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Output:
    return lambda: capsys.readouterr().out


def raw_of(spec: ModelSpec) -> Path:
    return spec.root / "data" / "raw" / "flats.csv"


def with_recipe(spec: ModelSpec, old: str, new: str) -> None:
    assert old in RECIPE
    (spec.root / "configs" / "twin.yaml").write_text(RECIPE.replace(old, new))


def pinned(spec: ModelSpec) -> ModelSpec:
    """The project after its twin was made and pinned."""
    command.make([spec])
    return pin(spec, sha256(gzip.decompress(twin_path(spec).read_bytes())).hexdigest())


def test_the_printed_digest_is_the_one_that_makes_the_sample_known(dear: ModelSpec, output: Output) -> None:
    command.make([dear])
    (digest,) = re.findall(r"sha256 ([0-9a-f]{64}) \(pin it", output())
    listed = pin(dear, digest)
    assert source.identify(listed, twin_path(dear)).dataset.label == "Flats twin (synthetic sample)"
    command.make([listed])
    assert f"{digest} (as pinned)" in output()
    assert [path.name for path in twin_path(dear).parent.iterdir()] == ["flats.csv.gz"]


def test_the_real_data_is_taken_from_the_mirror_where_data_raw_is_empty(dear: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "flats").mkdir(parents=True)
    raw_of(dear).rename(tmp_path / "mirror" / "flats" / "flats.csv")
    command.make([dear])
    assert twin_path(dear).is_file()


def test_no_twin_is_made_of_a_twin(dear: ModelSpec) -> None:
    spec = pinned(dear)
    before = twin_path(spec).read_bytes()
    raw_of(spec).write_bytes(gzip.decompress(before))
    for verb in (command.make, command.report):
        with pytest.raises(DataError, match=r"flats\.csv is Flats twin \(synthetic sample\)") as caught:
            verb([spec])
        assert "DATA_MIRROR" in caught.value.remedy
        assert str(raw_of(spec)) in caught.value.remedy
    assert twin_path(spec).read_bytes() == before


def test_the_real_data_is_fetched_where_the_sample_took_its_place(dear: ModelSpec, tmp_path: Path) -> None:
    spec = pinned(dear)
    (tmp_path / "mirror" / "flats").mkdir(parents=True)
    shutil.copy(raw_of(spec), tmp_path / "mirror" / "flats" / "flats.csv")
    before = twin_path(spec).read_bytes()
    raw_of(spec).write_bytes(gzip.decompress(before))
    command.make([spec])
    assert twin_path(spec).read_bytes() == before


def test_a_file_that_the_project_does_not_list_may_be_an_old_twin_and_is_refused(dear: ModelSpec) -> None:
    command.make([dear])
    raw_of(dear).write_bytes(gzip.decompress(twin_path(dear).read_bytes()))
    with pytest.raises(DataError, match="is unlisted data"):
        command.make([dear])


def test_without_the_real_data_the_remedy_is_named(dear: ModelSpec) -> None:
    raw_of(dear).unlink()
    with pytest.raises(DataError, match=r"Put flats\.csv into .*, or set DATA_MIRROR"):
        command.make([dear])
    twin_path(dear).parent.mkdir()
    twin_path(dear).write_bytes(gzip.compress(b"id\n1\n"))
    for verb in (command.make, command.report):
        with pytest.raises(DataError, match="Set DATA_MIRROR, or put the real data into"):
            verb([dear])


def test_a_twin_that_is_too_large_leaves_the_old_one(dear: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    command.make([dear])
    before = twin_path(dear).read_bytes()
    with_recipe(dear, "rows: 1500", "rows: 1400")
    monkeypatch.setattr(command, "MAX_BYTES", 1000)
    with pytest.raises(ConfigError, match=r"more than 1,000\. Ask for fewer rows"):
        command.make([dear])
    assert twin_path(dear).read_bytes() == before


def test_a_twin_that_breaks_the_request_class_is_not_written(dear: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "gzip_csv", lambda rows: gzip.compress(rows.assign(area=-1.0).to_csv().encode()))
    with pytest.raises(DataError, match="area: must be more than 0"):
        command.make([dear])
    assert list(twin_path(dear).parent.iterdir()) == []


def test_a_twin_that_is_good_enough_ends_with_0_and_shows_both_figures(dear: ModelSpec, output: Output) -> None:
    spec = pinned(dear)
    assert command.report([spec]) == 0
    shown = output()
    assert re.search(r"flats +strict +roc_auc +2 +0\.\d{4} +0\.\d{4}.* passed", shown)
    assert re.search(r"flats +shipped +roc_auc +2 +0\.\d{4} +0\.\d{4}.* passed", shown)
    assert "salts 0 to splits - 1" in shown


def test_a_limit_that_is_missed_ends_with_1(rent: ModelSpec, output: Output) -> None:
    command.make([rent])
    with_recipe(rent, "limit: 0.1", "limit: 0.000001")
    assert command.report([rent]) == 1
    assert re.search(r"flats +strict +mae .*% +0\.0% .* missed", output())


def test_a_report_without_a_sample_says_how_to_make_one(dear: ModelSpec) -> None:
    with pytest.raises(DataError, match="portfolio twin make flats"):
        command.report([dear])
