"""`model.sig`: the sha256 of every file and who answers for them, in the format of OpenSSF model signing 1.0.

An in-toto statement in a DSSE envelope in a Sigstore bundle: `model_signing verify key` accepts what is written here,
and what `model_signing sign key` writes, with a key in a hardware token for example, is accepted here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from portfolio.bundle.files import UNLISTED
from portfolio.bundle.keys import PublicKey, SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"


def _canonical(text: str) -> str:
    if b64encode(b64decode(text, validate=True)).decode("ascii") != text:
        raise ValueError("not canonical base64")
    return text


Base64 = Annotated[str, AfterValidator(_canonical)]


class Strict(BaseModel):
    """A part of the file. Nothing may be there that is not understood, so that every byte of it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Hint(Strict):
    """The id of the key, by its own word."""

    hint: str


class Material(Strict):
    """Which key signed; a plain key pair has no entry in a public log."""

    publicKey: Hint
    tlogEntries: list[None] = Field(max_length=0)


class Mark(Strict):
    """One signature."""

    sig: Base64
    keyid: Literal[""]


class Envelope(Strict):
    """DSSE 1.0, with one signature."""

    payload: Base64
    payloadType: Literal["application/vnd.in-toto+json"]
    signatures: list[Mark] = Field(min_length=1, max_length=1)


class SignatureFile(Strict):
    """A Sigstore bundle 0.3 of a plain key. Parsing it proves nothing."""

    mediaType: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"]
    verificationMaterial: Material
    dsseEnvelope: Envelope


class Lenient(BaseModel):
    """A part of the statement, which is signed; fields that are not understood are to be passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Resource(Lenient):
    """A file."""

    name: str
    algorithm: Literal["sha256"]
    digest: str


class Serialization(Lenient):
    """What the resources are: whole files."""

    method: Literal["files"]
    hash_type: Literal["sha256"]


class Predicate(Lenient):
    """The files."""

    serialization: Serialization
    resources: list[Resource]


class Subject(Lenient):
    """What the signer calls the bundle."""

    name: str


class StatementFile(Lenient):
    """The in-toto statement."""

    kind: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    predicateType: Literal["https://model_signing/signature/v1.0"]
    subject: list[Subject] = Field(min_length=1, max_length=1)
    predicate: Predicate


@dataclass(frozen=True)
class Statement:
    """What a trusted key has signed: the sha256 of every file, by name, of the bundle that it calls `subject`."""

    key: PublicKey
    subject: str
    files: dict[str, str]


def write_signature(files: Mapping[str, str], *, subject: str, key: SigningKey) -> bytes:
    """The content of `model.sig` for files (sha256 by name)."""
    payload = orjson.dumps(_statement(files, subject))
    mark = {"sig": b64encode(key.sign(_encoded(payload))).decode("ascii"), "keyid": ""}
    envelope = {
        "payload": b64encode(payload).decode("ascii"),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [mark],
    }
    return orjson.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": key.public.id}, "tlogEntries": []},
            "dsseEnvelope": envelope,
        }
    )


def open_signature(file: SignatureFile, key: PublicKey) -> Statement | None:
    """The statement, where this key has signed it, else None. Raises ValueError for a statement of another kind."""
    payload = b64decode(file.dsseEnvelope.payload)
    if not key.has_signed(_encoded(payload), b64decode(file.dsseEnvelope.signatures[0].sig)):
        return None
    signed = StatementFile.model_validate_json(payload)
    files = {resource.name: resource.digest for resource in signed.predicate.resources}
    return Statement(key, signed.subject[0].name, files)


def _statement(files: Mapping[str, str], subject: str) -> dict[str, object]:
    named = sorted(files.items())
    whole = sha256(b"".join(bytes.fromhex(digest) for _, digest in named)).hexdigest()
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": subject, "digest": {"sha256": whole}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": UNLISTED,
            },
            "resources": [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in named],
        },
    }


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
