"""Model cards: from the manifest alone, in the bundle and in docs/models."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import CONFIG, NOW, OFFLINE, run, with_rows
from toys import COST, LATE

from portfolio.settings import CardConfig
from portfolio.spec import ModelSpec
from portfolio.training import cards
from portfolio.training.card import render
from portfolio.training.flow import Order, Trained, train


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    return with_rows(LATE, tmp_path_factory.mktemp("cards") / "late")


@pytest.fixture(scope="module")
def trained(spec: ModelSpec) -> Trained:
    said = CardConfig(use="Tells who should be warned.", limits=("Holidays are not in the data.",))
    config = CONFIG.model_copy(update={"card": said})
    return train(spec, Order(now=NOW, effort="quick"), config, OFFLINE, lambda *_: None)


def test_the_card_tells_what_somebody_has_to_know_before_they_rely_on_it(trained: Trained) -> None:
    card = (trained.bundle / "model_card.md").read_text()
    manifest = trained.manifest
    auc = manifest.metrics["model"]["roc_auc"]
    expected = (
        "# Late orders: toylate",
        "Tells who should be warned.",
        "- Holidays are not in the data.",
        f"| sha256 of the data | `{manifest.data.sha256}` |",
        "| pieces | Pieces ordered | whole number ≥ 1, ≤ 9 |",
        "| weight | Kilograms; may be missing | number > 0 | may be missing |",
        "| colour |  | red, blue |",
        f"| roc_auc | {auc.value:.4g} [{auc.low:.4g}, {auc.high:.4g}] |",
        "xychart-beta",
        "**promote**, without a champion",
        f"- feature code: `{manifest.features_fingerprint[:12]}`",
    )
    assert [line for line in expected if line not in card] == []


def test_the_chart_shows_the_curve_that_was_measured(trained: Trained) -> None:
    curve = trained.manifest.curves["calibration"]
    card = render(trained.manifest)
    assert f"  line [{', '.join(f'{rate:.3f}' for rate in curve['predicted'])}]" in card
    assert f"  bar [{', '.join(f'{rate:.3f}' for rate in curve['observed'])}]" in card


def test_an_amounts_card_shows_its_errors_instead(tmp_path: Path) -> None:
    card = render(run(with_rows(COST, tmp_path / "cost")).manifest)
    assert 'x-axis "predicted (1,000 EUR)"' in card
    assert card.count("\n  line [") == 3
    assert "- The interval holds 80% of the truths on average, not in every slice." in card


def test_a_taken_manifest_gives_the_same_card_and_holds_no_rows(
    spec: ModelSpec, trained: Trained, tmp_path: Path
) -> None:
    taken = cards.take(spec, tmp_path)
    assert '"golden": []' in taken.read_text()
    assert '"reference": {}' in taken.read_text()
    cards.write(tmp_path)
    assert (tmp_path / "toylate.md").read_text() == (trained.bundle / "model_card.md").read_text()
    assert "| [toylate](toylate.md) |" in (tmp_path / "README.md").read_text()


def test_a_page_that_is_not_what_its_manifest_says_is_stale(spec: ModelSpec, trained: Trained, tmp_path: Path) -> None:
    cards.take(spec, tmp_path)
    assert {path.name for path in cards.stale(tmp_path)} == {"toylate.md", "README.md"}
    cards.write(tmp_path)
    assert cards.stale(tmp_path) == []
    page = tmp_path / "toylate.md"
    page.write_text(page.read_text().replace("Late orders", "Punctual orders"))
    (tmp_path / "gone.md").write_text("# of a model that is not there any more\n")
    assert {path.name for path in cards.stale(tmp_path)} == {"toylate.md", "gone.md"}
    cards.write(tmp_path)
    assert cards.stale(tmp_path) == []
    assert not (tmp_path / "gone.md").exists()
