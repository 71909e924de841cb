"""What is not the champion: put away, taken out again, proposed."""

from __future__ import annotations

from datetime import UTC, datetime

from portfolio import registry
from portfolio.errors import NotPromoted
from portfolio.promotion.admission import check_admitted, find
from portfolio.promotion.aliases import put_back, standing
from portfolio.promotion.audit import Intent, audited
from portfolio.registry import ARCHIVED_AT, CHALLENGER, CHAMPION, RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.store import Action


def archive(spec: ModelSpec, version: int | str, settings: Settings, *, reason: str = "") -> RegisteredVersion:
    """Put a version away: only force promotes it then. Raises NotPromoted for the champion, else as `promote` does."""
    target = find(spec.name, version, settings)
    if target.archived_at:
        raise NotPromoted(f"Version {target.version} of {target.name} is archived since {target.archived_at}.")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return _change(target, settings, action="archive", reason=reason, archived_at=now)


def restore(spec: ModelSpec, version: int | str, settings: Settings, *, reason: str = "") -> RegisteredVersion:
    """Take a version out of the archive. Raises as `archive` does."""
    target = find(spec.name, version, settings)
    if not target.archived_at:
        raise NotPromoted(f"Version {target.version} of {target.name} is not archived.")
    return _change(target, settings, action="restore", reason=reason)


def challenge(spec: ModelSpec, version: int | str, settings: Settings, *, reason: str = "") -> RegisteredVersion:
    """Make a version the challenger. Raises NotPromoted for the champion and for what may not become it."""
    target = find(spec.name, version, settings)
    check_admitted(target, force=False, reason=reason or "proposed")
    return _change(target, settings, action="challenge", reason=reason)


def _change(
    target: RegisteredVersion, settings: Settings, *, action: Action, reason: str, archived_at: str = ""
) -> RegisteredVersion:
    before = standing(target.name, settings)
    champion, challenger = before[CHAMPION], before[CHALLENGER]
    if champion and champion.version == target.version:
        raise NotPromoted(
            f"Version {target.version} of {target.name} is the champion.",
            remedy="Promote another one first; `portfolio promote --archive-current` does both.",
        )
    with (
        audited(Intent(action, target, reason), champion, settings) as operation,
        put_back(target, before, settings),
    ):
        if action == "challenge":
            registry.point(settings, target, CHALLENGER)
        elif archived_at != target.archived_at:
            registry.tag(settings, target, ARCHIVED_AT, archived_at)
        if action == "archive" and challenger and challenger.version == target.version:
            registry.unpoint(settings, target.name, CHALLENGER)
        operation.note("done")
    return target
