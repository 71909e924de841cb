"""One promotion: verify and fit, intent, aliases, done, served; and its way back."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from portfolio import registry, store
from portfolio.bundle import ANYONE, verify
from portfolio.bundle.keys import SigningKey, short
from portfolio.errors import BundleError, NotPromoted, PortfolioError
from portfolio.promotion import running
from portfolio.promotion.admission import check_admitted, check_reason, find
from portfolio.promotion.aliases import move, put_back, standing
from portfolio.promotion.archive import archive
from portfolio.promotion.audit import Intent, audited, champions, history
from portfolio.promotion.fit import answer_for, judged_here, named
from portfolio.registry import CHAMPION, RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.store import Deployment


@dataclass(frozen=True)
class Promotion:
    """What came of it: the champion, its predecessor (none, or the same version), and the API that serves it."""

    version: RegisteredVersion
    before: RegisteredVersion | None
    served: running.Served
    note: str = ""

    @property
    def sentence(self) -> str:
        """Who is the champion, who was before, and since when the API serves it."""
        version, before, served = self.version, self.before, self.served
        line = f"{version.name}: version {version.version} is the champion, signed with key {short(version.signed_by)}"
        if before and before.version != version.version:
            line += f"; version {before.version} is the previous one"
        return "; ".join(part for part in (line, served.sentence, self.note) if part)


def promote(
    spec: ModelSpec,
    version: int | str,
    settings: Settings,
    *,
    force: bool = False,
    reason: str = "",
    archive_current: bool = False,
) -> Promotion:
    """Make a registered version the champion, and return when the running API serves it.

    `version` is a number, an alias or a deprecated stage. `force`, with a `reason`, takes one that the gate has
    blocked, that is archived, or that is of other feature code than the API runs; `archive_current` puts the champion
    before away, and where only that fails a note says so. Raises NotPromoted, BundleError, RegistryError, StoreError,
    ConfigError; all is then as it was.
    """
    target = find(spec.name, version, settings)
    champion = registry.champion(spec.name, settings)
    if champion and champion.version == target.version:
        check_reason(force=force, reason=reason)  # nothing changes but, perhaps, the signature
    else:
        check_admitted(target, force=force, reason=reason)
    done = _change(spec, Intent("promote", target, reason, force), settings)
    if archive_current and done.before and done.before.version != target.version:
        return _archive_replaced(spec, done, settings, reason=reason or f"replaced by version {target.version}")
    return done


def rollback(spec: ModelSpec, settings: Settings, *, to: int | str = "", reason: str = "") -> Promotion:
    """Go back to a version: the one that was champion before, by the audit, or the named one.

    A second rollback goes back further. Who was champion once may be so again, whatever gate and archive say; it needs
    no private key where it is signed. Raises as `promote` does.
    """
    registry.require(settings)
    lines = history(spec.name, settings)
    target = find(spec.name, to or _before(spec, lines, settings), settings)
    if target.bundle_version not in {line.to_bundle for line in lines if line.stood}:
        check_admitted(target, force=False, reason=reason)
    return _change(spec, Intent("rollback", target, reason), settings)


def make_champion(
    version: RegisteredVersion,
    bundle: Path,
    *,
    key: SigningKey,
    settings: Settings,
    reason: str = "training found no champion",
) -> RegisteredVersion | None:
    """Give a version its signature, then the alias, for whoever has judged the bundle and signed it with `key`.

    Returns the champion before, which `previous` names from now on. Raises RegistryError, StoreError.
    """
    before = standing(version.name, settings)
    with (
        audited(Intent("promote", version, reason), before[CHAMPION], settings) as operation,
        put_back(version, before, settings),
    ):
        registry.attach_signature(settings, version, bundle, key_id=key.public.id)
        move(version, before, settings)
        operation.note("done")
    return before[CHAMPION]


def _change(spec: ModelSpec, intent: Intent, settings: Settings) -> Promotion:
    target, address = intent.target, running.address_of(spec, settings)
    store.prepare(settings)
    with tempfile.TemporaryDirectory() as folder:
        api = running.look(spec.name, address)
        excuse = running.excuse(api, address)
        incoming = Path(folder) / "bundle"
        with named(target, incoming):
            bundle = registry.download(target, incoming, settings)
            key = _examine(bundle, spec, intent, api=api, settings=settings)
        before = standing(spec.name, settings)
        with (
            audited(intent, before[CHAMPION], settings) as operation,
            put_back(target, before, settings),
        ):
            if key:
                registry.attach_signature(settings, target, bundle, key_id=key.public.id)
            move(target, before, settings)
            operation.note("done", detail=excuse)
            served = running.await_live(api, target, settings) if api and not excuse else running.Served(None, excuse)
        if served.seconds is not None:
            operation.note("live", detail=served.note, seconds=served.seconds)
    return Promotion(replace(target, signed_by=key.public.id if key else target.signed_by), before[CHAMPION], served)


def _examine(
    bundle: Path, spec: ModelSpec, intent: Intent, *, api: running.Running | None, settings: Settings
) -> SigningKey | None:
    """Whole, the one that was registered, fit, and signed; returns the key where it is signed only now."""
    manifest = verify(bundle, ANYONE)
    if manifest.version != intent.target.bundle_version:
        raise BundleError(f"Version {intent.target.version} holds another bundle than it says: {manifest.version}.")
    scored = judged_here(spec, manifest, api, force=intent.forced)
    return answer_for(bundle, spec, scored=scored, settings=settings)


def _before(spec: ModelSpec, lines: Sequence[Deployment], settings: Settings) -> str:
    """The number of the version that was champion before the present one."""
    champion = registry.champion(spec.name, settings)
    listed = (each.version for each in registry.list_versions(settings, name=spec.name))
    numbers = {version.bundle_version: version.version for version in listed}
    past = champions(lines, champion.bundle_version if champion else "", numbers)
    if len(past) < 2:
        present = f"version {numbers[past[-1]]}" if past else "the first"
        raise NotPromoted(
            f"The audit knows no champion of {spec.name} before {present}.",
            remedy=f"Name one: portfolio rollback {spec.name} --to VERSION; `portfolio models {spec.name}` lists them.",
        )
    return numbers[past[-2]]


def _archive_replaced(spec: ModelSpec, done: Promotion, settings: Settings, *, reason: str) -> Promotion:
    assert done.before
    try:
        archive(spec, done.before.version, settings, reason=reason)
    except PortfolioError as error:
        return replace(done, note=f"version {done.before.version} is not archived: {error.detail}")
    return done
