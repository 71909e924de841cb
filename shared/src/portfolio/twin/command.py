"""`portfolio twin make` and `portfolio twin report`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from portfolio import terminal
from portfolio.data import source
from portfolio.errors import ConfigError, DataError
from portfolio.spec import ModelSpec
from portfolio.twin.flow import make_twin
from portfolio.twin.recipe import TwinRecipe, read_recipe
from portfolio.twin.report import Figure, figures
from portfolio.twin.tables import gzip_csv, read_rows, real_rows, twin_path

MAX_BYTES = 1_000_000
WIDTH = 140  # of the table; a narrow terminal would cut its figures
NOTE = """\
Loss: LightGBM's defaults trained on the synthetic twin instead of the real rows, both tested on the same real rows.
strict: each split makes its own twin from the training part alone. shipped: the file in data/sample, made of all rows,
so the test rows shine through and its loss flatters it. Splits are by group, salts 0 to splits - 1; ± is the standard
deviation over them. Copies: rows equal to a real one in every synthesized column but the target. Marginals:
the largest distance between the distributions of a column. Correlations: mean difference of the rank correlations."""


def make(specs: Sequence[ModelSpec]) -> None:
    """Write the twin of each project into its data/sample and print the sha256 to pin."""
    for spec in specs:
        recipe = _recipe(spec)
        with terminal.notices().status(f"{spec.name}: drawing {recipe.rows:,} rows"):
            path = _write(spec, gzip_csv(make_twin(spec.task, recipe, real_rows(spec))))
        made = source.identify(spec, path)
        pinned = "as pinned" if made.dataset.synthetic else "pin it as the synthetic dataset in the project's model.py"
        terminal.output().print(
            f"{spec.name}: {path}, {recipe.rows:,} synthetic rows, {path.stat().st_size:,} bytes; "
            f"content sha256 {made.sha256} ({pinned})"
        )


def report(specs: Sequence[ModelSpec]) -> int:
    """Print what each project's twin is worth; 1 where one misses its limit or shows a real row, else 0."""
    found = [(spec, way, figure) for spec in specs for way, figure in _figures(spec).items()]
    console = terminal.output()
    console.print(_table(found), width=max(console.width, WIDTH))
    console.print(NOTE)
    return 0 if all(figure.passed for _, _, figure in found) else 1


def _figures(spec: ModelSpec) -> dict[str, Figure]:
    recipe, sample = _recipe(spec), twin_path(spec)
    if not sample.is_file():
        raise DataError(f"{sample} does not exist.", remedy=f"Make it: portfolio twin make {spec.name}")
    with terminal.notices().status(f"{spec.name}: {recipe.splits} splits"):
        return figures(spec, recipe, real_rows(spec), sample)


def _recipe(spec: ModelSpec) -> TwinRecipe:
    return read_recipe(spec.root / "configs" / "twin.yaml")


def _write(spec: ModelSpec, packed: bytes) -> Path:
    """Under a temporary name first, so that data/sample only ever holds a whole twin that training accepts."""
    target = twin_path(spec)
    if len(packed) > MAX_BYTES:
        raise ConfigError(
            f"{spec.name}: the twin has {len(packed):,} bytes, more than {MAX_BYTES:,}.",
            remedy="Ask for fewer rows in configs/twin.yaml.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        part.write_bytes(packed)
        made = read_rows(spec, part)
        if len(made.unused):
            raise DataError(
                f"{spec.name}: training would leave out {len(made.unused)} rows of the twin.",
                remedy="The target must stay within the task's bounds; look at configs/twin.yaml.",
            )
        return part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _table(found: Sequence[tuple[ModelSpec, str, Figure]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("project", "twin", "metric"):
        table.add_column(name)
    for name in ("splits", "real", "twin", "loss", "limit", "rows", "bytes", "copies", "marginals", "correlations"):
        table.add_column(name, justify="right")
    table.add_column("")
    for spec, way, figure in found:
        table.add_row(spec.name, way, *_cells(figure))
    return table


def _cells(figure: Figure) -> tuple[str, ...]:
    real, twin = (sum(side) / len(side) for side in zip(*((t.real, t.twin) for t in figure.trials), strict=True))
    number = "{:,.0f}" if figure.relative else "{:.4f}"
    share = "{:.1%}" if figure.relative else "{:.4f}"
    near = figure.likeness
    return (
        figure.metric,
        str(len(figure.trials)),
        number.format(real),
        number.format(twin),
        f"{share.format(figure.loss.mean())} ± {share.format(figure.loss.std())}",
        share.format(figure.limit),
        f"{near.rows:,}",
        f"{figure.size:,}",
        str(near.copies),
        f"{near.marginal:.3f}",
        f"{near.correlation:.3f}",
        "[green]passed[/]" if figure.passed else "[bold red]missed[/]",
    )
