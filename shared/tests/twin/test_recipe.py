"""A recipe that can't be meant is refused with the place and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from portfolio.errors import ConfigError
from portfolio.twin.recipe import TwinRecipe, read_recipe

COLUMNS = ["id", "owner", "rooms", "area", "posted", "dear"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rows: 10\nlimit: 0.1\nrow: 5\n", "row: Extra inputs"),
        ("rows: 10\nlimit: 0.1\nmodel: {tree: 5}\n", r"model\.tree"),
        ("rows: 0\nlimit: 0.1\n", "rows"),
        ("rows: 10\n", "limit"),
        ("rows: 10\nlimit: 0.1\nsplits: 0\n", "splits"),
        ("rows: 10\nlimit: 0.1\ncounted: {id: 1}\nconstant: {id: x}\n", "id is named twice"),
        ("rows: [10\n", "rows"),
        ("", "the file: Input should be a valid dictionary"),
    ],
    ids=["unknown key", "unknown key below", "no rows", "no limit", "no splits", "named twice", "no YAML", "empty"],
)
def test_a_wrong_key_or_value_is_named(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "twin.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        read_recipe(path)
    assert str(path) in caught.value.detail
    assert caught.value.remedy


def test_a_missing_recipe_says_where_to_read_about_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"twin\.yaml does not exist.*CONTRIBUTING"):
        read_recipe(tmp_path / "twin.yaml")


def test_all_columns_but_the_named_ones_and_the_target_are_synthesized() -> None:
    recipe = TwinRecipe(rows=10, limit=0.1, counted={"id": 1}, constant={"owner": "x"}, alone=("posted",))
    assert recipe.features(COLUMNS, "dear") == ["rooms", "area"]


def test_a_name_that_the_file_lacks_is_an_error() -> None:
    recipe = TwinRecipe(rows=10, limit=0.1, counted={"ID": 1})
    with pytest.raises(ConfigError, match=r"no column ID; it has id, owner.*twin\.yaml"):
        recipe.features(COLUMNS, "dear")


def test_a_target_that_the_file_lacks_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"no column price"):
        TwinRecipe(rows=10, limit=0.1).features(COLUMNS, "price")


def test_the_target_needs_its_model() -> None:
    recipe = TwinRecipe(rows=10, limit=0.1, alone=("dear",))
    with pytest.raises(ConfigError, match="dear is the target"):
        recipe.features(COLUMNS, "dear")
