"""`docs/models`: a model card for each committed manifest, and the list of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from portfolio.bundle import Manifest, read_trust, verify
from portfolio.bundle.live import live_bundle
from portfolio.errors import ConfigError
from portfolio.settings import read_settings, repository
from portfolio.spec import ModelSpec
from portfolio.training.card import headline, render

INDEX = "README.md"


def folder() -> Path:
    """`docs/models` of the repository; raises ConfigError outside of one."""
    root = repository(Path.cwd())
    if root is None:
        raise ConfigError("This is no folder of the repository.", remedy="Change into it, and try again.")
    return root / "docs" / "models"


def take(spec: ModelSpec, models: Path) -> Path:
    """Put the manifest of the served bundle there, without golden rows and reference: both hold what rows say."""
    trust = read_trust(read_settings())
    manifest = verify(live_bundle(spec, trust).folder, trust)
    kept = manifest.model_copy(update={"golden": (), "reference": {}})
    path = models / f"{spec.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(kept.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def pages(models: Path) -> dict[Path, str]:
    """What each page shall say: a card beside each manifest, and the list."""
    manifests = {path: Manifest.model_validate_json(path.read_bytes()) for path in sorted(models.glob("*.json"))}
    cards = {path.with_suffix(".md"): render(manifest) for path, manifest in manifests.items()}
    return {**cards, models / INDEX: "\n".join(_index(list(manifests.values()))) + "\n"}


def stale(models: Path) -> list[Path]:
    """Pages that do not say what their manifests do, or have none."""
    wanted = pages(models)
    unclaimed = [path for path in models.glob("*.md") if path not in wanted]
    return [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text] + unclaimed


def write(models: Path) -> list[Path]:
    """Write every page anew; those without a manifest go. Returns what changed."""
    models.mkdir(parents=True, exist_ok=True)
    changed = stale(models)
    wanted = pages(models)
    for path in changed:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return changed


def _index(manifests: Sequence[Manifest]) -> Iterator[str]:
    yield "# Models\n"
    yield "The cards of models that were trained on the data sets themselves, one for each project. `make docs-models`"
    yield "writes them from the manifests beside them; with `PROJECT=bankchurn` it takes the served one first."
    yield "Every bundle carries its own card as `model_card.md`.\n"
    yield "| project | version | data | headline | gate |\n|---|---|---|---|---|"
    for manifest in manifests:
        said = manifest.verdict.decision if manifest.verdict else "not asked"
        name = f"[{manifest.name}]({manifest.name}.md)"
        yield f"| {name} | {manifest.version} | {manifest.data.label} | {headline(manifest)} | {said} |"
