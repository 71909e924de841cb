"""From what is asked to a job: everything that can be refused is refused here, before a row is scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from portfolio.batch.answers import answer_schema
from portfolio.batch.inputs import check_columns, columns_of, find_inputs, format_of
from portfolio.batch.job import FormatName, Job
from portfolio.bundle import Trust, fingerprint, read_trust
from portfolio.bundle.live import live_bundle
from portfolio.bundle.store import pin
from portfolio.errors import DataError
from portfolio.settings import read_config, read_settings
from portfolio.spec import ModelSpec

PART_BYTES = 2 << 20  # larger parts are no faster: a process first has to be given their memory
PART_ROWS = 65_536
OUTPUTS = (".csv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a user asks for. `bundle` is the one that is served where left out."""

    spec: ModelSpec
    source: str
    output: Path
    bundle: Path | None = None
    overwrite: bool = False
    part_bytes: int = PART_BYTES
    part_rows: int = PART_ROWS


def plan(order: Order) -> Job:
    """Raises DataError, ModelNotAvailable or BundleError."""
    spec = order.spec
    writes = _output_format(order)
    reads, inputs = find_inputs(order.source)
    _check_apart(order, [Path(file.path) for file in inputs])
    check_columns(reads, inputs, spec)
    answer_schema(spec.response)
    bundle, model_version, digest = _chosen(order, read_trust(read_settings()))
    return Job(
        project=spec.name,
        bundle=str(bundle.resolve()),
        digest=digest,
        features=fingerprint(spec),
        model_version=model_version,
        options=read_config(spec.root / "configs" / "config.yaml").response,
        inputs=inputs,
        reads=reads,
        output=str(order.output.resolve()),
        writes=writes,
        columns=columns_of(reads, inputs, spec),
        part_bytes=order.part_bytes,
        part_rows=order.part_rows,
    )


def _output_format(order: Order) -> FormatName:
    output = order.output
    writes = format_of(output.name, endings=OUTPUTS)
    if writes is None:
        raise DataError(f"{output} is no known kind of file.", remedy=f"Let it end with {', '.join(OUTPUTS)}.")
    if not output.resolve().parent.is_dir():
        raise DataError(f"There is no folder {output.parent}.", remedy=f"mkdir -p {output.parent}")
    if output.exists() and not order.overwrite:
        raise DataError(f"{output} is already there.", remedy="Name another output, or allow it with --overwrite.")
    return writes


def _check_apart(order: Order, inputs: list[Path]) -> None:
    output, source = order.output.resolve(), Path(order.source).resolve()
    if output in inputs or (source.is_dir() and output.parent == source):
        raise DataError(f"{order.output} is among the input files.", remedy="Write to another folder.")


def _chosen(order: Order, trust: Trust) -> tuple[Path, str, str]:
    """(folder, model version, digest of the manifest) of a bundle that is trusted."""
    if order.bundle:
        manifest, digest = pin(order.bundle, trust)
        return order.bundle, manifest.version, digest
    return live_bundle(order.spec, trust)
