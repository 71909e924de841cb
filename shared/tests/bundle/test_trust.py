"""A bundle is accepted from whom one trusts, to the last byte; all else is refused by its name, with a remedy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from toys import LATE, write_candidate

from portfolio.bundle import ANYONE, SIGNATURE, Trust, load, read_trust, sign, verify, vouch
from portfolio.bundle.files import UNLISTED
from portfolio.bundle.keys import SigningKey, make_keys, one_line
from portfolio.bundle.signature import write_signature
from portfolio.errors import BundleError
from portfolio.settings import Settings

FILES = ("MLmodel", "booster.txt", "bundle.json", "model.onnx", "model.sig", "model_card.md")


def make_key(folder: Path, name: str = "bundle") -> SigningKey:
    return make_keys(folder / f"{name}.key", folder / f"{name}.pub")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def trust(key: SigningKey) -> Trust:
    return Trust((key.public,))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    """A signed bundle that tests copy."""
    bundle = write_candidate(LATE, tmp_path_factory.mktemp("original") / "v1")
    manifest = verify(bundle, ANYONE)
    (bundle / "MLmodel").write_text("flavors: {}\n")
    from portfolio.bundle import seal

    seal(bundle, manifest)
    sign(bundle, key)
    return bundle


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "v1"))


@pytest.fixture
def other(tmp_path: Path, key: SigningKey) -> Path:
    """Another bundle that the same key has signed."""
    bundle = write_candidate(LATE, tmp_path / "v2", seed=5)
    sign(bundle, key)
    return bundle


def test_a_signed_bundle_is_accepted_with_the_public_key_alone(bundle: Path, trust: Trust) -> None:
    assert load(bundle, LATE, trust).manifest.version == "v1"
    assert sorted(path.name for path in bundle.iterdir()) == sorted(FILES)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_flipped_bit_in_any_file_is_refused_by_its_name(
    bundle: Path, trust: Trust, name: str, place: int, bit: int
) -> None:
    content = (bundle / name).read_bytes()
    flipped = bytearray(content)
    flipped[place % len(content)] ^= 1 << bit
    (bundle / name).write_bytes(flipped)
    try:
        with pytest.raises(BundleError, match=name) as refused:
            verify(bundle, trust)
    finally:
        (bundle / name).write_bytes(content)
    faults = {"bad_signature", "unknown_key"} if name == SIGNATURE else {"altered"}
    assert refused.value.reason in faults


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_refused_by_its_name(bundle: Path, trust: Trust, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match="is not signed" if name == SIGNATURE else name):
        verify(bundle, trust)


@pytest.mark.parametrize("name", ["extra.pkl", ".hidden", "deep/er/extra", "deep/bundle.json", "deep/model.sig"])
@pytest.mark.parametrize("whom", ["the signer", "anyone"])
def test_a_file_too_much_is_refused_by_its_name(bundle: Path, trust: Trust, name: str, whom: str) -> None:
    (bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (bundle / name).write_bytes(b"")
    with pytest.raises(BundleError, match=name):
        verify(bundle, trust if whom == "the signer" else ANYONE)


def test_a_link_is_refused_even_to_the_right_content(bundle: Path, trust: Trust, tmp_path: Path) -> None:
    moved = (bundle / "model.onnx").rename(tmp_path / "elsewhere")
    (bundle / "model.onnx").symlink_to(moved)
    with pytest.raises(BundleError, match=r"no plain file: model.onnx"):
        verify(bundle, trust)


def test_a_link_to_a_folder_is_refused(bundle: Path, trust: Trust, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (bundle / "more").symlink_to(tmp_path / "more")
    with pytest.raises(BundleError, match="no plain file: more"):
        verify(bundle, trust)


def test_a_pipe_is_refused_and_not_waited_for(bundle: Path, trust: Trust) -> None:
    os.mkfifo(bundle / "pipe")
    with pytest.raises(BundleError, match="no plain file: pipe"):
        verify(bundle, trust)


def test_a_name_that_leads_out_of_the_folder_is_a_missing_file(
    bundle: Path, trust: Trust, key: SigningKey, tmp_path: Path
) -> None:
    from portfolio.bundle.files import digests

    (tmp_path / "outside").write_bytes(b"outside")
    files = {**digests(bundle), "../outside": "0" * 64}
    (bundle / SIGNATURE).write_bytes(write_signature(files, subject="toylate:v1", key=key))
    with pytest.raises(BundleError, match=r"not as it was signed: \.\./outside"):
        verify(bundle, trust)


def test_the_note_of_mlflows_loader_is_no_tampering(bundle: Path, trust: Trust) -> None:
    (bundle / UNLISTED[1]).write_text("model_name: toylate\n")
    assert verify(bundle, trust).version == "v1"


def test_an_unsigned_bundle_is_refused_with_the_way_out(bundle: Path, trust: Trust) -> None:
    (bundle / SIGNATURE).unlink()
    with pytest.raises(BundleError, match=r"v1 is not signed. `portfolio promote NAME --version N`") as refused:
        verify(bundle, trust)
    assert refused.value.reason == "unsigned"


def test_where_unsigned_ones_are_allowed_one_line_tells_of_it(
    bundle: Path, trust: Trust, capfd: pytest.CaptureFixture[str]
) -> None:
    allowing = replace(trust, allow_unsigned=True)
    load(bundle, LATE, allowing)
    assert "unsigned" not in "".join(capfd.readouterr())
    (bundle / SIGNATURE).unlink()
    load(bundle, LATE, allowing)
    assert "".join(capfd.readouterr()).count("unsigned bundle accepted") == 1


@pytest.mark.parametrize(
    "spoil",
    [
        bytes.upper,
        lambda content: content[:-1],
        lambda content: content.replace(b'{"hint"', b'{"more":1,"hint"'),
        lambda content: content.replace(b'"sig":"', b'"sig":" '),
        lambda _: b"",
        lambda _: b"{}",
    ],
    ids=["other letters", "cut", "a field more", "loose base64", "empty", "no signature"],
)
def test_a_bad_signature_is_refused_even_where_none_is_needed(
    bundle: Path, trust: Trust, spoil: Callable[[bytes], bytes]
) -> None:
    (bundle / SIGNATURE).write_bytes(spoil((bundle / SIGNATURE).read_bytes()))
    with pytest.raises(BundleError, match=r"model.sig") as refused:
        verify(bundle, replace(trust, allow_unsigned=True))
    assert refused.value.reason == "bad_signature"


def test_a_key_that_is_not_trusted_is_named(bundle: Path, key: SigningKey, tmp_path: Path) -> None:
    mine = make_key(tmp_path)
    with pytest.raises(BundleError, match=f"key {key.public.id[:16]}.*trusted: {mine.public.id[:16]}") as refused:
        verify(bundle, Trust((mine.public,)))
    assert refused.value.reason == "unknown_key"


def test_without_any_key_nothing_is_trusted(bundle: Path) -> None:
    with pytest.raises(BundleError, match="BUNDLE_PUBLIC_KEY names no key"):
        verify(bundle, Trust(allow_unsigned=True))


def test_a_signature_in_anothers_name_is_refused(bundle: Path, trust: Trust, key: SigningKey, tmp_path: Path) -> None:
    sign(bundle, make_key(tmp_path))
    forged = orjson.loads((bundle / SIGNATURE).read_bytes())
    forged["verificationMaterial"]["publicKey"]["hint"] = key.public.id
    (bundle / SIGNATURE).write_bytes(orjson.dumps(forged))
    with pytest.raises(BundleError, match="has not signed it") as refused:
        verify(bundle, trust)
    assert refused.value.reason == "bad_signature"


def test_the_signature_of_another_bundle_is_refused_by_that_ones_name(bundle: Path, other: Path, trust: Trust) -> None:
    shutil.copy(other / SIGNATURE, bundle / SIGNATURE)
    with pytest.raises(BundleError, match=r"model.sig is of another bundle, toylate:v2.*bundle.json, model.onnx"):
        verify(bundle, trust)


def test_files_that_are_exchanged_and_sealed_anew_are_refused(bundle: Path, other: Path, trust: Trust) -> None:
    from portfolio.bundle import seal

    shutil.copy(other / "model.onnx", bundle / "model.onnx")
    seal(bundle, verify(other, ANYONE))
    verify(bundle, ANYONE)  # whole in itself, and signed by nobody
    with pytest.raises(BundleError, match=r"bundle.json, model.onnx"):
        verify(bundle, trust)


def test_nothing_is_parsed_before_it_is_verified(bundle: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("portfolio.bundle.store.Manifest.model_validate_json", parsed)
    monkeypatch.setattr("portfolio.bundle.store.open_session", parsed)
    (bundle / "booster.txt").write_text("tree\n")
    with pytest.raises(BundleError, match=r"booster.txt"):
        load(bundle, LATE, trust)


def test_what_changes_between_check_and_use_is_refused(
    bundle: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_then_change(*args: object, **_: object) -> object:
        manifest = verify(bundle, trust)
        (bundle / "model.onnx").write_bytes(b"other")
        return manifest

    monkeypatch.setattr("portfolio.bundle.store.verify", verify_then_change)
    with pytest.raises(BundleError, match=r"not as it was sealed: model.onnx"):
        load(bundle, LATE, trust)


def test_during_a_rotation_both_keys_are_good(bundle: Path, key: SigningKey, tmp_path: Path) -> None:
    successor = make_key(tmp_path, "next")
    both = ",".join((one_line(key.public), one_line(successor.public)))
    trust = read_trust(Settings(bundle_public_key=both))
    assert verify(bundle, trust)
    sign(bundle, successor)
    assert verify(bundle, trust)
    with pytest.raises(BundleError, match="not trusted"):
        verify(bundle, Trust((key.public,)))


def test_a_bundle_of_a_key_that_is_gone_can_be_signed_anew(bundle: Path, tmp_path: Path) -> None:
    mine = make_key(tmp_path)
    trust = Trust((mine.public,))
    vouch(bundle, LATE, key=mine, trust=trust)
    assert verify(bundle, trust)


def test_what_was_tampered_with_is_never_signed(bundle: Path, trust: Trust, key: SigningKey) -> None:
    content = (bundle / SIGNATURE).read_bytes()
    (bundle / SIGNATURE).write_bytes(content[:-1])
    with pytest.raises(BundleError, match=r"model.sig"):
        vouch(bundle, LATE, key=key, trust=trust)
    (bundle / SIGNATURE).unlink()
    (bundle / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"model.onnx"):
        vouch(bundle, LATE, key=key, trust=trust)
    assert not (bundle / SIGNATURE).exists()


def test_what_scores_otherwise_is_never_signed(bundle: Path, trust: Trust, key: SigningKey) -> None:
    (bundle / SIGNATURE).unlink()
    with pytest.raises(BundleError, match="golden row"):
        vouch(bundle, replace(LATE, features=lambda frame: {**frame, "load": frame["weight"]}), key=key, trust=trust)
    assert not (bundle / SIGNATURE).exists()
