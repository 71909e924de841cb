"""Finding a project's data: the named file, data/raw, the mirror, the public address, and last the bundled sample."""

from __future__ import annotations

import gzip
import os
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from rich.progress import wrap_file

from portfolio.errors import DataError
from portfolio.logs import logger
from portfolio.spec import Dataset, ModelSpec

CONNECT_SECONDS = 5.0
log = logger(__name__)


class Readable(Protocol):
    """An open file, plain, compressed or remote."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class DataFile:
    """A found file and what its content is known to be; `sha256` is of the uncompressed content."""

    path: Path
    sha256: str
    dataset: Dataset


def find(spec: ModelSpec, *, named: Path | None = None, mirror: str = "") -> DataFile:
    """The file to train on. A named file that does not exist is an error, never a reason to look elsewhere."""
    if named is not None:
        return identify(spec, _named(spec, named))
    raw = _ignoring_case(spec.root / "data" / "raw" / spec.source.file)
    if raw is not None:
        return identify(spec, raw)
    return fetch(spec, mirror=mirror) or identify(spec, sample_path(spec))


def refresh(spec: ModelSpec, *, mirror: str = "") -> DataFile:
    """Fill `data/raw`. A file that is there stays, unless it is the synthetic sample and the real data can be had."""
    target = spec.root / "data" / "raw" / spec.source.file
    present = _ignoring_case(target)
    if present is not None and not identify(spec, present).dataset.synthetic:
        return identify(spec, present)
    fetched = fetch(spec, mirror=mirror)
    if fetched is not None:
        return fetched
    if present is None:
        present = _write(target, _content(sample_path(spec)))
    return identify(spec, present)


def renew(spec: ModelSpec, check: Callable[[DataFile], object], *, mirror: str = "") -> DataFile:
    """Fill `data/raw` with what the mirror holds today; without one, or where it fails, as `refresh` does.

    A file that is replaced by other content stays beside it, with `.before` after its name. `check` raises DataError
    for content that must not replace what is there.
    """
    target = spec.root / "data" / "raw" / spec.source.file
    present, address = _ignoring_case(target), _in_mirror(spec, mirror)
    if not mirror or present is None:
        return refresh(spec, mirror=mirror)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        try:
            fresh = copy(spec, address, Path(folder))
        except DataError as error:
            log.warning("data not refreshed", project=spec.name, error=error.detail)
            return refresh(spec)
        if fresh.sha256 != identify(spec, present).sha256:
            _admit(fresh, check, address)
            present.replace(target.with_name(f"{target.name}.before"))
            fresh.path.replace(target)
    return identify(spec, _ignoring_case(target) or target)


def _admit(fresh: DataFile, check: Callable[[DataFile], object], address: str) -> None:
    try:
        check(fresh)
    except DataError as error:
        detail = error.detail.replace(str(fresh.path), address)
        raise DataError(f"{detail.rstrip()} The file in data/raw stays.", remedy=error.remedy) from None


def has_raw(spec: ModelSpec) -> bool:
    """Whether `data/raw` holds a CSV file, the project's own or another."""
    raw = spec.root / "data" / "raw"
    return raw.is_dir() and any(path.suffix.lower() == ".csv" for path in raw.iterdir())


def fetch(spec: ModelSpec, *, mirror: str = "") -> DataFile | None:
    """Copy the data from the mirror, else from its public address, into `data/raw`; None where neither has it whole.

    What comes from the public address must have a pinned sha256; a mirror is the user's own and may hold anything.
    """
    target = spec.root / "data" / "raw" / spec.source.file
    for address in addresses(spec, mirror=mirror):
        pinned = spec.source.datasets if address == spec.source.url else ()
        try:
            return identify(spec, _write(target, _read(address), pinned=pinned))
        except (OSError, HTTPException, DataError) as error:
            log.warning("data not to be had there", project=spec.name, address=address, error=str(error))
    return None


def copy(spec: ModelSpec, address: str, folder: Path) -> DataFile:
    """Copy what lies at an address (a URL or a path) today into `folder`, whatever its content; raises DataError."""
    name = urlsplit(address).path.rpartition("/")[2] or spec.source.file
    plain = name.removesuffix(".gz") if "://" not in address else name  # a path is unpacked as it is read
    try:
        return identify(spec, _write(folder / plain, _read(address)))
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"{address} can't be had: {error}.", remedy="Check the address, or try again later.") from None


def addresses(spec: ModelSpec, *, mirror: str = "") -> list[str]:
    """Where the project's data may be had, in order: the mirror where there is one, then the public address."""
    return [*([_in_mirror(spec, mirror)] if mirror else []), spec.source.url]


def identify(spec: ModelSpec, path: Path) -> DataFile:
    """Name a file by its content, never by its path."""
    digest = _digest(path)
    for dataset in spec.source.datasets:
        if digest in dataset.sha256:
            return DataFile(path, digest, dataset)
    unknown = Dataset(name=f"unlisted data {digest[:12]}", licence="not known", sha256=(digest,))
    return DataFile(path, digest, unknown)


def sample_path(spec: ModelSpec) -> Path:
    """The synthetic twin that comes with the project; raises DataError where it is gone."""
    path = spec.root / "data" / "sample" / spec.source.sample
    if not path.is_file():
        raise DataError(
            f"There is no data for {spec.name}: no file in data/raw, no mirror, no network, and no sample at {path}.",
            remedy=f"Put {spec.source.file} into {spec.root / 'data' / 'raw'}, or set DATA_MIRROR.",
        )
    return path


def _in_mirror(spec: ModelSpec, mirror: str) -> str:
    return f"{mirror.rstrip('/')}/{spec.source.mirror}"


def _named(spec: ModelSpec, named: Path) -> Path:
    for candidate in (named, spec.root / named):
        found = _ignoring_case(candidate)
        if found is not None:
            return found
    raise DataError(
        f"There is no file {named} (looked here and in {spec.root}).",
        remedy=f"Run `make data` for data/raw/{spec.source.file}, or name another file with --data-path.",
    )


def _ignoring_case(path: Path) -> Path | None:
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return None
    return next((p for p in sorted(path.parent.iterdir()) if p.is_file() and p.name.lower() == path.name.lower()), None)


def _read(address: str) -> Iterator[bytes]:
    if "://" not in address:
        yield from _content(Path(address))
        return
    name = address.rsplit("/", 1)[-1]
    with urllib.request.urlopen(address, timeout=CONNECT_SECONDS) as answer:
        size = int(answer.headers.get("Content-Length") or 0)
        received = 0
        with wrap_file(answer, total=size, description=f"downloading {name}") as stream:
            for chunk in _chunks(stream):
                received += len(chunk)
                yield chunk
    if received < size:  # urllib takes a connection that closed early for the end
        raise DataError(f"The download of {name} broke off at {received:,} of {size:,} bytes.", remedy="Try again.")


def _content(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        yield from _chunks(stream)


def _chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(1 << 16):
        yield chunk


def _write(target: Path, chunks: Iterator[bytes], *, pinned: tuple[Dataset, ...] = ()) -> Path:
    """Write under a temporary name and rename, so that a file in `data/raw` is always whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    digest = sha256()
    try:
        with part.open("wb") as out:
            for chunk in chunks:
                digest.update(chunk)
                out.write(chunk)
        if pinned and not any(digest.hexdigest() in dataset.sha256 for dataset in pinned):
            raise DataError(
                f"The download for {target.name} has the sha256 {digest.hexdigest()}, which is not a pinned one.",
                remedy="The public copy has changed; get the file elsewhere and put it into data/raw.",
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _digest(path: Path) -> str:
    digest = sha256()
    try:
        for chunk in _content(path):
            digest.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read: {error}.", remedy="Check the file, or get it anew.") from None
    return digest.hexdigest()
