"""The samples that are shipped: small, known, valid, synthetic, and worth training on."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

import pytest

from portfolio.data import source, table
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project, project_names
from portfolio.twin.recipe import TwinRecipe, read_recipe
from portfolio.twin.report import figures
from portfolio.twin.synthesis import copies
from portfolio.twin.tables import FileRows, read_raw, read_rows, twin_path


@pytest.fixture(params=project_names())
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return find_project(request.param)


@pytest.fixture
def sample(spec: ModelSpec) -> Path:
    return twin_path(spec)


@pytest.fixture
def recipe(spec: ModelSpec) -> TwinRecipe:
    return read_recipe(spec.root / "configs" / "twin.yaml")


@pytest.fixture
def real(spec: ModelSpec) -> FileRows:
    """The real rows, without a download; the test is skipped where they are not here."""
    mirror = Settings().data_mirror
    places = [spec.root / "data" / "raw" / spec.source.file, *([Path(mirror) / spec.source.mirror] if mirror else [])]
    listed = {sha for dataset in spec.source.datasets if not dataset.synthetic for sha in dataset.sha256}
    for place in places:
        if place.is_file() and source.identify(spec, place).sha256 in listed:
            return read_rows(spec, place, max_bad_rows=100)
    pytest.skip(f"the real data of {spec.name} is not here: set DATA_MIRROR")


def test_a_sample_is_at_most_a_megabyte_and_packed_without_a_time_stamp(sample: Path) -> None:
    packed = sample.read_bytes()
    assert len(packed) <= 1_000_000
    assert packed[4:8] == bytes(4)


def test_a_sample_has_the_pinned_content_and_is_known_as_synthetic(spec: ModelSpec, sample: Path) -> None:
    digest = sha256(gzip.decompress(sample.read_bytes())).hexdigest()
    (twin,) = [dataset for dataset in spec.source.datasets if dataset.synthetic]
    assert twin.sha256 == (digest,)
    assert source.identify(spec, sample).dataset.label.endswith("(synthetic sample)")


def test_training_takes_every_row_of_a_sample(
    spec: ModelSpec, recipe: TwinRecipe, sample: Path, tmp_path: Path
) -> None:
    rows = table.load(spec, source.identify(spec, sample), max_bad_rows=0, bad_rows_path=tmp_path / "bad.csv")
    assert len(rows) == recipe.rows == gzip.decompress(sample.read_bytes()).count(b"\n") - 1
    assert rows.out_of_scope == 0


def test_the_recipe_speaks_of_columns_that_the_sample_has(spec: ModelSpec, recipe: TwinRecipe, sample: Path) -> None:
    columns = list(read_raw(sample).columns)
    features = recipe.features(columns, spec.task.target)
    assert sorted([*features, *recipe.without_model, spec.task.target]) == sorted(columns)


def test_the_columns_and_formats_are_those_of_the_real_file(sample: Path, real: FileRows) -> None:
    shown = read_raw(sample)
    assert list(shown.columns) == list(real.raw.columns)
    assert (shown.dtypes == real.whole_file.dtypes).all()


def test_no_real_row_is_shown(spec: ModelSpec, recipe: TwinRecipe, sample: Path, real: FileRows) -> None:
    known = real.whole_file[recipe.features(list(real.raw.columns), spec.task.target)]
    assert not copies(read_raw(sample), known).any()
    assert copies(known, known).all()


def test_a_model_loses_little_by_learning_from_the_twin(
    spec: ModelSpec, recipe: TwinRecipe, sample: Path, real: FileRows
) -> None:
    found = figures(spec, recipe.model_copy(update={"splits": 1}), real, sample)
    assert {way: one.passed for way, one in found.items()} == {"strict": True, "shipped": True}
