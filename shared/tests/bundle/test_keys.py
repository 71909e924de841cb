"""Keys: made once, private ones for their owner alone, public ones named in whatever way an environment allows."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from portfolio.bundle import read_trust
from portfolio.bundle.keys import (
    PublicKey,
    make_keys,
    one_line,
    read_public_keys,
    read_signing_key,
    require_signing_key,
)
from portfolio.errors import ConfigError
from portfolio.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def public(tmp_path: Path) -> PublicKey:
    return make_keys(tmp_path / "bundle.key", tmp_path / "bundle.pub").public


def test_a_new_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_keys(tmp_path / "keys" / "bundle.key", tmp_path / "keys" / "bundle.pub")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys" / "bundle.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["bundle.key", "bundle.pub"]


def test_keys_that_are_there_are_kept(tmp_path: Path, public: PublicKey) -> None:
    (tmp_path / "bundle.pub").unlink()
    assert make_keys(tmp_path / "bundle.key", tmp_path / "bundle.pub").public.id == public.id
    assert (tmp_path / "bundle.pub").read_text() == public.text


def test_openssl_reads_what_is_written(tmp_path: Path, public: PublicKey) -> None:
    made = subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "bundle.key", "-pubout"], check=True, capture_output=True, text=True
    )
    assert made.stdout == public.text


@pytest.mark.parametrize(
    "named",
    [
        lambda key, _: key.text,
        lambda key, _: key.text.replace("\n", "\\n"),
        lambda key, _: one_line(key),
        lambda key, _: f" {one_line(key)} ,",
        lambda _, path: str(path),
    ],
    ids=["PEM", "PEM on a line", "base64", "base64 with spaces", "path"],
)
def test_a_public_key_is_named_as_text_or_by_its_file(
    tmp_path: Path, public: PublicKey, named: Callable[[PublicKey, Path], str]
) -> None:
    (found,) = read_trust(Settings(bundle_public_key=named(public, tmp_path / "bundle.pub"))).keys
    assert found.id == public.id


def test_a_file_may_hold_several(tmp_path: Path, public: PublicKey) -> None:
    second = make_keys(tmp_path / "b.key", tmp_path / "b.pub").public
    (tmp_path / "all.pub").write_text(f"# of last year\n{public.text}\n# of this year\n{second.text}")
    assert [key.id for key in read_public_keys(str(tmp_path / "all.pub"))] == [public.id, second.id]


def test_a_key_that_can_not_be_meant_is_one_clear_error(tmp_path: Path, public: PublicKey) -> None:
    (tmp_path / "empty.pub").touch()
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    (tmp_path / "p384.pub").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "spoilt.pub").write_text(public.text.replace("MFkw", "MFkx"))
    for named in ("nowhere.pub", "empty.pub", "p384.pub", "spoilt.pub", "bundle.key"):
        with pytest.raises(ConfigError, match=rf"BUNDLE_PUBLIC_KEY: .*{named}"):
            read_public_keys(str(tmp_path / named))
    with pytest.raises(ConfigError, match="BUNDLE_PUBLIC_KEY"):
        read_public_keys(one_line(public)[:-8])


def test_by_default_the_key_beside_the_private_one_is_trusted(tmp_path: Path, public: PublicKey) -> None:
    (tmp_path / "bundle.key").unlink()  # as in a service, which has the public one alone
    settings = Settings(signing_key=str(tmp_path / "bundle.key"), bundle_public_key="")
    assert [key.id for key in read_trust(settings).keys] == [public.id]


def test_without_a_private_key_nothing_can_be_signed(tmp_path: Path) -> None:
    assert read_signing_key(tmp_path / "bundle.key") is None
    with pytest.raises(ConfigError, match=r"no private key at .*bundle.key. `make keys`"):
        require_signing_key(tmp_path / "bundle.key")


@pytest.mark.parametrize("kind", ["empty", "encrypted", "another algorithm"])
def test_a_private_key_that_is_of_no_use_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    key = (
        ed25519.Ed25519PrivateKey.generate() if kind == "another algorithm" else ec.generate_private_key(ec.SECP256R1())
    )
    how = BestAvailableEncryption(b"secret") if kind == "encrypted" else NoEncryption()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    (tmp_path / "bundle.key").write_bytes(b"" if kind == "empty" else content)
    with pytest.raises(ConfigError, match=r"bundle.key"):
        read_signing_key(tmp_path / "bundle.key")


@pytest.mark.parametrize("folder", [ROOT, ROOT / "projects" / "bankchurn", Path("/")])
def test_the_keys_are_the_repositorys_wherever_a_command_starts(folder: Path) -> None:
    program = "from portfolio.settings import Settings; print(Settings().signing_key_file)"
    environment = {
        name: value for name, value in os.environ.items() if name not in ("SIGNING_KEY", "BUNDLE_PUBLIC_KEY")
    }
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == str(ROOT / "keys" / "bundle.key")
