"""Whose bundles are accepted, and why another one is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portfolio.bundle.files import MANIFEST, SIGNATURE, altered, differing
from portfolio.bundle.keys import PublicKey, read_public_keys, short
from portfolio.bundle.signature import SignatureFile, Statement, open_signature
from portfolio.errors import BundleError
from portfolio.settings import Settings

SIGN = "`portfolio promote NAME --version N` signs what is registered, `portfolio sign PATH` a folder."


@dataclass(frozen=True)
class Trust:
    """Accepts what any of `keys` has signed, and what nobody has signed where that is allowed."""

    keys: tuple[PublicKey, ...] = ()
    allow_unsigned: bool = False

    def statement(self, directory: Path) -> Statement | None:
        """What a trusted key has signed, before any file is looked at; None: unsigned. Raises BundleError."""
        try:
            content = (directory / SIGNATURE).read_bytes()
        except FileNotFoundError:
            if self.allow_unsigned:
                return None
            remedy = f"{SIGN} ALLOW_UNSIGNED=1 accepts it as it is."
            raise BundleError(f"{directory} is not signed.", remedy=remedy, reason="unsigned") from None
        except OSError as error:
            raise _bad(directory, f"can't be read: {error.strerror}") from None
        return self._opened(directory, content)

    def _opened(self, directory: Path, content: bytes) -> Statement:
        try:
            file = SignatureFile.model_validate_json(content)
        except ValueError:
            raise _bad(directory, "is no signature of OpenSSF model signing") from None
        by = file.verificationMaterial.publicKey.hint
        key = next((key for key in self.keys if key.id == by), None)
        if key is None:
            raise self._unknown(directory, by)
        try:
            statement = open_signature(file, key)
        except ValueError:
            raise _bad(directory, "is signed, but says nothing of a bundle's files") from None
        if statement is None:
            raise _bad(directory, f"was altered: key {short(by)} has not signed it")
        return statement

    def _unknown(self, directory: Path, by: str) -> BundleError:
        trusted = ", ".join(short(key.id) for key in self.keys) or "none: BUNDLE_PUBLIC_KEY names no key"
        return BundleError(
            f"{directory / SIGNATURE} is of key {short(by)}, which is not trusted (trusted: {trusted}).",
            remedy=f"If you know that key, add its public half to BUNDLE_PUBLIC_KEY; else sign anew: {SIGN}",
            reason="unknown_key",
        )


ANYONE: Final = None
"""In the place of a Trust: no signature is asked for, as whoever loads this bundle made it or pinned its digest."""


def read_trust(settings: Settings) -> Trust:
    """Whom this machine trusts. Raises ConfigError for a key that can't be read."""
    named = settings.bundle_public_key.strip()
    if not named and settings.public_key_file.is_file():
        named = str(settings.public_key_file)
    return Trust(read_public_keys(named), settings.allow_unsigned)


def compare(directory: Path, found: dict[str, str], statement: Statement) -> None:
    """Raise BundleError where files are not the signed ones."""
    wrong = differing(found, statement.files)
    if MANIFEST in wrong and len(wrong) > 1:  # every bundle has a manifest of its own
        what = f"{SIGNATURE} is of another bundle, {statement.subject}, or several files were altered"
        raise altered(directory, what, wrong)
    if wrong:
        raise altered(directory, "not as it was signed", wrong)


def _bad(directory: Path, what: str) -> BundleError:
    remedy = "Fetch the bundle again; if it stays so, use another version, or train it anew."
    return BundleError(f"{directory / SIGNATURE} {what}.", remedy=remedy, reason="bad_signature")
