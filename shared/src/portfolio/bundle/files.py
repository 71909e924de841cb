"""The files of a bundle: their sha256, and contents that are what they were sealed as."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path

from portfolio.errors import BundleError

MANIFEST = "bundle.json"
SIGNATURE = "model.sig"
UNLISTED = (SIGNATURE, "registered_model_meta")
"""No list names these: the signature itself, and the note that MLflow's loader leaves, which nothing here reads."""
FETCH_AGAIN = "Delete it, so that it is fetched again, or train it anew."


def digests(directory: Path) -> dict[str, str]:
    """sha256 by name of every file but the unlisted ones, the manifest included.

    A link is refused: what it leads to is no part of the bundle, and may be another file by the time it is read.
    """
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise altered(directory, "holds what is no plain file", [path.relative_to(directory).as_posix()])
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name not in UNLISTED:
            found[name] = _sha256(path)
    return found


def differing(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """Names of files that are altered, missing or too much."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def read_sealed(directory: Path, name: str, digest: str | None) -> bytes:
    """A file's content, which has this very digest: what was verified is what is parsed, however late."""
    try:
        content = (directory / name).read_bytes()
    except OSError:
        content = b""
    if sha256(content).hexdigest() != digest:
        raise altered(directory, "not as it was sealed", [name])
    return content


def manifest_digest(directory: Path) -> str:
    """sha256 of `bundle.json`, which names those of all other files; raises BundleError where there is none."""
    if not (directory / MANIFEST).is_file():
        raise BundleError(f"{directory} holds no {MANIFEST}.", remedy=FETCH_AGAIN, reason="altered")
    return _sha256(directory / MANIFEST)


def check_pin(directory: Path, pinned: str) -> None:
    """Raise BundleError where `bundle.json` is missing or has not the pinned digest; an empty one pins nothing."""
    digest = manifest_digest(directory)
    if pinned and digest != pinned:
        raise altered(directory, "not as it was registered", [MANIFEST])


def altered(directory: Path, what: str, names: list[str]) -> BundleError:
    """The error that names the files."""
    return BundleError(f"{directory}: {what}: {', '.join(names)}.", remedy=FETCH_AGAIN, reason="altered")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{path} can't be read: {error.strerror}.", remedy=FETCH_AGAIN, reason="altered") from None
