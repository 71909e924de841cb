"""Data files in their own columns beside what training makes of them, and tables as bytes."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from portfolio.data import frames, source, table
from portfolio.errors import DataError
from portfolio.settings import read_config, read_settings
from portfolio.spec import Frame, ModelSpec

ROW = "row of the file"


@dataclass(frozen=True)
class FileRows:
    """N valid rows: `raw` as the file has them; `frame`, `target` and the split's `keys` as training sees them.

    `unused` are the rows of the file that training leaves out: out of scope, or breaking a rule.
    """

    raw: pd.DataFrame
    unused: pd.DataFrame
    frame: Frame
    target: np.ndarray[Any, np.dtype[np.float64]]
    keys: np.ndarray[Any, np.dtype[np.object_]]

    def __getitem__(self, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> FileRows:
        return FileRows(self.raw[rows], self.unused, frames.take(self.frame, rows), self.target[rows], self.keys[rows])

    @property
    def whole_file(self) -> pd.DataFrame:
        """The rows that nothing made up may repeat."""
        return pd.concat([self.raw, self.unused], ignore_index=True)

    def __len__(self) -> int:
        return len(self.target)


def real_rows(spec: ModelSpec) -> FileRows:
    """The real data's rows; DataError where there is only a synthetic sample, or a file that the spec does not list."""
    file = _real_file(spec, mirror=read_settings().data_mirror)
    return read_rows(
        spec, file.path, max_bad_rows=read_config(spec.root / "configs" / "config.yaml").training.max_bad_rows
    )


def read_rows(spec: ModelSpec, path: Path, *, max_bad_rows: int = 0) -> FileRows:
    """The valid rows of a data file whose target is in scope."""
    with TemporaryDirectory() as folder:
        rows = table.load(
            _with_row_numbers(spec),
            source.identify(spec, path),
            max_bad_rows=max_bad_rows,
            bad_rows_path=Path(folder) / "bad_rows.csv",
        )
    raw, used = read_raw(path), rows.extras[ROW].astype(int)
    return FileRows(
        raw=raw.iloc[used].reset_index(drop=True),
        unused=raw.drop(index=raw.index[used]),
        frame=rows.frame,
        target=rows.target,
        keys=np.array(rows.keys, dtype=object),
    )


def read_raw(path: Path) -> pd.DataFrame:
    """A CSV file in nullable types, which tell whole numbers beside blanks (6) from numbers with a point (6.0)."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype_backend="numpy_nullable")


def twin_path(spec: ModelSpec) -> Path:
    """Where the twin is shipped, whether it is there by now or not."""
    return spec.root / "data" / "sample" / spec.source.sample


def gzip_csv(rows: pd.DataFrame) -> bytes:
    """The table as gzip CSV without name or time stamp: the same rows give the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as stream:
        stream.write(rows.to_csv(index=False, lineterminator="\n").encode())
    return packed.getvalue()


def _real_file(spec: ModelSpec, *, mirror: str) -> source.DataFile:
    file = source.find(spec, mirror=mirror)
    if file.dataset.synthetic and file.path != twin_path(spec):
        # data/raw has held the sample since a time when the real data could not be had
        file = source.fetch(spec, mirror=mirror) or file
    listed = [digest for dataset in spec.source.datasets if not dataset.synthetic for digest in dataset.sha256]
    if file.sha256 not in listed:
        raise DataError(
            f"{spec.name}: a twin is made of and compared with the real data; {file.path} is {file.dataset.label}.",
            remedy=f"Set DATA_MIRROR, or put the real data into {spec.root / 'data' / 'raw' / spec.source.file}.",
        )
    return file


def _with_row_numbers(spec: ModelSpec) -> ModelSpec:
    def prepare(rows: pd.DataFrame) -> pd.DataFrame:
        prepared = spec.source.prepare(rows)
        return prepared.assign(**{ROW: prepared.index})

    return replace(spec, source=replace(spec.source, prepare=prepare), extras=(ROW,))
