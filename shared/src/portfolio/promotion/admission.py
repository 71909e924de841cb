"""Which version somebody means, and whether it may become the champion."""

from __future__ import annotations

from portfolio import registry
from portfolio.errors import ConfigError, NoSuchVersion, NotPromoted
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings

STAGES = {"production": registry.CHAMPION, "staging": registry.CHALLENGER}
"""MLflow's stages of before there were aliases."""
ALIASES = (registry.CHAMPION, registry.CHALLENGER, registry.PREVIOUS)


def find(name: str, which: int | str, settings: Settings) -> RegisteredVersion:
    """The version of a project that a number, an alias or a deprecated stage names, in any case.

    Raises ConfigError where it names nothing, NoSuchVersion where there is none such.
    """
    wanted = str(which).strip().lower()
    if wanted.isdecimal():
        return registry.find_version(name, int(wanted), settings)
    alias = STAGES.get(wanted, wanted)
    if alias not in ALIASES:
        several = wanted == "archived"
        said = "Several versions may be archived" if several else f"{str(which)!r} names no version"
        raise ConfigError(f"{said}.", remedy=f"Give a number (`portfolio models {name}`), or one of {_known()}.")
    found = registry.pointed(name, alias, settings)
    if found is None:
        raise NoSuchVersion(f"{name} has no {alias}.", remedy=f"`portfolio models {name}` lists its versions.")
    return found


def check_reason(*, force: bool, reason: str) -> None:
    """Raise ConfigError for force without a reason: the audit asks who comes later."""
    if force and not reason.strip():
        raise ConfigError("--force needs a reason, which the audit keeps.", remedy="Add --reason TEXT.")


def check_admitted(target: RegisteredVersion, *, force: bool, reason: str) -> None:
    """Raise NotPromoted for a version that was put away or that the gate did not want, unless somebody answers for it.

    What the gate has blocked is unfit: that takes force. Where it would keep the champion, nothing is wrong with the
    version, but nothing is won, or it comes too soon: a reason is enough.
    """
    check_reason(force=force, reason=reason)
    what = f"version {target.version} of {target.name}"
    command = f"portfolio promote {target.name} --version {target.version}"
    remedy = f"`{command} --force --reason TEXT` takes it all the same."
    if force:
        return
    if target.archived_at:
        raise NotPromoted(f"{what.capitalize()} is archived since {target.archived_at}.", remedy=remedy)
    if target.verdict == "block":
        raise NotPromoted(f"The gate has blocked {what}.", remedy=remedy)
    if target.verdict == "keep" and not reason.strip():
        raise NotPromoted(
            f"The gate would keep the champion rather than take {what}.",
            remedy=f"`{command} --reason TEXT` takes it all the same.",
        )


def _known() -> str:
    return ", ".join((*ALIASES, *map(str.capitalize, STAGES)))
