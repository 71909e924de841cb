"""Our signatures are those of OpenSSF model signing: its own tool accepts them, and we accept what it signs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from toys import LATE, write_candidate

from portfolio.bundle import SIGNATURE, Trust, load, sign
from portfolio.bundle.keys import SigningKey, make_keys

TOOL = Path(sys.executable).parent / "model_signing"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return make_keys(tmp_path / "bundle.key", tmp_path / "bundle.pub")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_candidate(LATE, tmp_path / "v1")


def tool(verb: str, bundle: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [TOOL, verb, "key", bundle, "--signature", bundle / SIGNATURE, *options]
    return subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=60)


def test_its_tool_accepts_what_we_sign(bundle: Path, key: SigningKey, tmp_path: Path) -> None:
    sign(bundle, key)
    (bundle / "registered_model_meta").write_text("of MLflow's loader\n")
    done = tool("verify", bundle, "--public_key", tmp_path / "bundle.pub")
    assert (done.returncode, "succeeded" in done.stdout) == (0, True), done.stderr


def test_its_tool_refuses_what_was_altered(bundle: Path, key: SigningKey, tmp_path: Path) -> None:
    sign(bundle, key)
    (bundle / "booster.txt").write_text("other")
    done = tool("verify", bundle, "--public_key", tmp_path / "bundle.pub")
    assert done.returncode != 0
    assert "booster.txt" in done.stdout + done.stderr


def test_we_accept_what_its_tool_signs(bundle: Path, key: SigningKey, tmp_path: Path) -> None:
    done = tool("sign", bundle, "--private_key", tmp_path / "bundle.key")
    assert done.returncode == 0, done.stderr
    assert load(bundle, LATE, Trust((key.public,))).manifest.version == "v1"
