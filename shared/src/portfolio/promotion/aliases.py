"""The aliases that a change moves, and their way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from portfolio import registry
from portfolio.errors import PortfolioError, RegistryError
from portfolio.logs import logger
from portfolio.promotion.interrupt import uninterrupted
from portfolio.registry import ARCHIVED_AT, CHALLENGER, CHAMPION, PREVIOUS, PROMOTED_AT, RegisteredVersion
from portfolio.settings import Settings

log = logger(__name__)

Standing = Mapping[str, RegisteredVersion | None]
"""Who has which alias."""


def standing(name: str, settings: Settings) -> Standing:
    """Who has the aliases now. Raises RegistryError."""
    return {alias: registry.pointed(name, alias, settings) for alias in (CHAMPION, PREVIOUS, CHALLENGER)}


def move(target: RegisteredVersion, before: Standing, settings: Settings) -> None:
    """Move `previous` and `champion`; who becomes champion is no challenger any more, and not put away."""
    champion, challenger = before[CHAMPION], before[CHALLENGER]
    if champion and champion.version == target.version:
        return
    if champion:
        registry.point(settings, champion, PREVIOUS)
    # notes first: to a service that follows the alias, a champion with other notes is another champion
    registry.tag(settings, target, PROMOTED_AT, datetime.now(UTC).isoformat(timespec="seconds"))
    if target.archived_at:
        registry.tag(settings, target, ARCHIVED_AT, "")
    registry.point(settings, target, CHAMPION)
    if challenger and challenger.version == target.version:
        registry.unpoint(settings, target.name, CHALLENGER)


@contextmanager
def put_back(target: RegisteredVersion, before: Standing, settings: Settings) -> Iterator[None]:
    """Where the block fails, leave aliases and notes as they were before it."""
    try:
        yield
    except BaseException as error:
        try:
            with uninterrupted():
                _restore(target, before, settings)
        except PortfolioError as stuck:
            raise RegistryError(
                f"{error} The aliases of {target.name} could not be put back: {stuck.detail}",
                remedy=f"`portfolio models {target.name}` shows them; promote the version that shall be live.",
            ) from error
        if not isinstance(error, Exception):
            log.warning("stopped: aliases are as they were", project=target.name, champion=_number(before[CHAMPION]))
        raise


def _restore(target: RegisteredVersion, before: Standing, settings: Settings) -> None:
    after = standing(target.name, settings)
    if _number(after[CHAMPION]) not in (target.version, _number(before[CHAMPION])):
        return  # somebody else has promoted another one since: that stands
    for alias, was in before.items():
        if was and _number(after[alias]) != was.version:
            registry.point(settings, was, alias)
        elif after[alias] and was is None:
            registry.unpoint(settings, target.name, alias)
    now = registry.find_version(target.name, int(target.version), settings)
    if now.promoted_at != target.promoted_at:
        registry.tag(settings, target, PROMOTED_AT, target.promoted_at)
    if now.archived_at != target.archived_at:
        registry.tag(settings, target, ARCHIVED_AT, target.archived_at)


def _number(version: RegisteredVersion | None) -> str:
    return version.version if version else ""
