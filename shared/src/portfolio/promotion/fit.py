"""Whether a bundle fits the code that shall serve it, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portfolio.bundle import Manifest, Trust, fingerprint, load, read_trust, sign, verify, vouch
from portfolio.bundle.keys import SigningKey, read_signing_key, require_signing_key
from portfolio.errors import BundleError, NotPromoted
from portfolio.promotion.running import Running
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec

ALTERED = "Do not use it: find out who can write where it is stored, and train anew."


def judged_here(spec: ModelSpec, manifest: Manifest, api: Running | None, *, force: bool) -> bool:
    """Whether this machine's code may judge by the golden rows: it is the running API's, or none runs.

    Else the bundle must be of the very feature code that the API runs, which judges itself when it loads the bundle.
    Raises NotPromoted where neither holds, unless forced.
    """
    code = api.code if api else None
    if api is None or code is None or code.fingerprint == fingerprint(spec):
        return True
    if force or code.fingerprint == manifest.features_fingerprint:
        return False
    raise NotPromoted(
        f"The bundle is of the feature code of commit {manifest.git_commit}, the API at {api.address} runs that of "
        f"release {code.version} (commit {code.git_commit}).",
        remedy=f"Deploy the release of commit {manifest.git_commit} first; "
        "`portfolio promote` with --force --reason TEXT leaves it to the API.",
    )


def answer_for(bundle: Path, spec: ModelSpec, *, scored: bool, settings: Settings) -> SigningKey | None:
    """Prove a bundle whole, and fit where it is `scored` here; sign it unless it is signed already.

    Returns the key that signed now, None where that was not needed: by the key of this machine, or, on a machine
    without one, by any that is trusted. Raises BundleError, and ConfigError where a key is missing.
    """
    key, trust = read_signing_key(settings.signing_key_file), Trust(read_trust(settings).keys)
    signer = _signer(bundle, trust)
    if signer and (key is None or signer == key.public.id):
        _prove(bundle, spec, trust, scored=scored)
        return None
    key = key or require_signing_key(settings.signing_key_file)
    if scored:
        vouch(bundle, spec, key=key, trust=trust)
    else:
        sign(bundle, key)
    return key


@contextmanager
def named(version: RegisteredVersion, folder: Path) -> Iterator[None]:
    """Let a refusal name the version, not the folder that it is downloaded to, which is gone by then."""
    try:
        yield
    except BundleError as error:
        detail = error.detail.replace(str(folder / folder.name), f"Version {version.version} of {version.name}")
        remedy = ALTERED if error.reason in ("altered", "bad_signature") else error.remedy
        raise BundleError(detail, remedy=remedy, reason=error.reason) from None


def _signer(bundle: Path, trust: Trust) -> str:
    """The trusted key that has signed these very files; empty where none has, BundleError where they were altered."""
    try:
        verify(bundle, trust)
        statement = trust.statement(bundle)
    except BundleError as refused:
        if refused.reason not in ("unsigned", "unknown_key"):
            raise
        return ""
    return statement.key.id if statement else ""


def _prove(bundle: Path, spec: ModelSpec, trust: Trust, *, scored: bool) -> None:
    if scored:
        load(bundle, spec, trust)
    else:
        verify(bundle, trust)
