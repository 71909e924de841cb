"""Keys that sign bundles: ECDSA on the curve P-256, which OpenSSF model signing takes; a private one is PKCS#8 PEM."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.+?)-----END PUBLIC KEY-----", re.DOTALL)
P256 = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"
"""What every public key of this curve begins with, as base64."""
MAKE_KEYS = "`make keys` makes a pair; SIGNING_KEY names one that lies elsewhere."


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with. `id` is the sha256 of its PEM text, as OpenSSF's tool names keys."""

    id: str
    text: str
    key: ec.EllipticCurvePublicKey

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        """Whether the signature (DER) is this key's, over exactly this content."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self.key.verify(signature, content, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A private key, and the public one that belongs to it."""

    key: ec.EllipticCurvePrivateKey
    public: PublicKey

    def sign(self, content: bytes) -> bytes:
        """A signature, DER."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        return self.key.sign(content, ec.ECDSA(SHA256()))


def short(key_id: str) -> str:
    """A key's id as people see it."""
    return key_id[:16]


def read_public_keys(text: str) -> tuple[PublicKey, ...]:
    """The keys that BUNDLE_PUBLIC_KEY names, separated by commas: files, PEM texts, or PEM texts' base64 on one line.

    A file may hold several. Raises ConfigError.
    """
    return tuple(key for part in text.split(",") if part.strip() for key in _keys_of(part.strip()))


def read_signing_key(path: Path) -> SigningKey | None:
    """The private key in a file; None where there is no file. Raises ConfigError."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, IsADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:  # TypeError: it is encrypted
        raise ConfigError(f"{path} can't be read as a private key: {error}.", remedy=MAKE_KEYS) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"{path} is not a key of the curve P-256.", remedy=MAKE_KEYS)
    return SigningKey(key, _public(key.public_key()))


def require_signing_key(path: Path) -> SigningKey:
    """The private key in a file; raises ConfigError where there is none."""
    key = read_signing_key(path)
    if key is None:
        raise ConfigError(f"There is no private key at {path}.", remedy=MAKE_KEYS)
    return key


def make_keys(private: Path, public: Path) -> SigningKey:
    """Write a new pair, the private one for its owner's eyes alone; a private key that is there is kept."""
    from cryptography.hazmat.primitives.asymmetric import ec

    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not private.exists():
        _write_private(private, ec.generate_private_key(ec.SECP256R1()))
    key = require_signing_key(private)
    if not public.exists():
        public.write_text(key.public.text, encoding="ascii")
    return key


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # never readable to others, not even for a moment; and never over a key that another process has just made
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _keys_of(part: str) -> list[PublicKey]:
    bodies = PEM.findall(part.replace("\\n", "\n"))  # a line of an env file can't hold the real thing
    if not bodies:
        bodies = [part] if part.startswith(P256) else _bodies_in(Path(part))
    return [_parse(body, part) for body in bodies]


def _bodies_in(path: Path) -> list[str]:
    try:
        bodies = PEM.findall(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        bodies = []
    if not bodies:
        raise ConfigError(
            f"BUNDLE_PUBLIC_KEY: {path} is neither a public key nor a file with one.", remedy="See .env.example."
        )
    return bodies


def _parse(body: str, source: str) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(b64decode("".join(body.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(
            f"BUNDLE_PUBLIC_KEY: {source.splitlines()[0]} is no public key of the curve P-256.",
            remedy="`make keys` makes one.",
        )
    return _public(key)


def _public(key: ec.EllipticCurvePublicKey) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(sha256(text).hexdigest(), text.decode("ascii"), key)


def one_line(key: PublicKey) -> str:
    """A public key as an environment variable takes it most easily."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return b64encode(key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode("ascii")
