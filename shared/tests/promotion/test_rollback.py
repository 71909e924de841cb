"""The way back, by the audit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from champions import alias, champion, registered, several

from portfolio import registry
from portfolio.errors import ConfigError, NotPromoted
from portfolio.promotion.audit import champions, history
from portfolio.promotion.flow import promote, rollback
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.store import Deployment, append


def told(*changes: str) -> list[Deployment]:
    """An audit: "1>2" promotes, "2<1" goes back, a "!" before it failed."""
    lines = []
    for number, change in enumerate(changes):
        back, said = "<" in change, change.removeprefix("!")
        start, _, end = said.partition("<" if back else ">")
        lines.append(
            Deployment(
                operation=str(number),
                at=datetime(2026, 1, 1, tzinfo=UTC),
                who="ann",
                project="toylate",
                action="rollback" if back else "promote",
                outcome="failed" if change.startswith("!") else "done",
                from_version=start,
                to_version=end,
            )
        )
    return lines


@pytest.mark.parametrize(
    ("changes", "now", "stack"),
    [
        ((), "", ""),
        ((), "3", "3"),
        ((">1", "1>2", "2>3"), "3", "1 2 3"),
        ((">1", "1>2", "2>3", "3<2"), "2", "1 2"),
        ((">1", "1>2", "2>3", "3<2", "2<1"), "1", "1"),
        ((">1", "1>2", "2<1", "1>3"), "3", "1 3"),
        ((">1", "!1>2", "1>3"), "3", "1 3"),
        ((">1", "1>2", "2>3", "!3<1"), "3", "1 2 3"),
        ((">1", "1>2", "2>1"), "1", "1 2 1"),
        ((">1", "1>1", "1>2"), "2", "1 2"),
        (("7>8",), "8", "7 8"),  # whoever was champion before there was an audit
        ((">1", "1>2", "5>6"), "6", "1 2 5 6"),  # somebody moved the alias to 5
        ((">1", "1>2", "2>3", "2>4"), "4", "1 2 4"),  # somebody moved it back to 2
        ((">1", "1>2"), "9", "1 2 9"),  # just now
        ((">1", "1>2", ">1"), "1", "1"),  # the registry was made anew
        ((">1", "1>2", "2>3", "3<1"), "1", "1"),
    ],
)
def test_the_past_is_what_was_done_and_not_undone(changes: Iterable[str], now: str, stack: str) -> None:
    assert champions(told(*changes), now) == stack.split()


def test_two_rollbacks_go_two_versions_back_and_a_third_says_that_there_is_none(
    spec: ModelSpec, settings: Settings
) -> None:
    several(settings, spec, 3)
    for version in (1, 2, 3):
        promote(spec, version, settings)
    assert rollback(spec, settings).version.version == "2"
    assert (alias(settings, spec, "champion"), alias(settings, spec, "previous")) == ("2", "3")
    assert rollback(spec, settings, reason="worse still").version.version == "1"
    with pytest.raises(NotPromoted, match=r"no champion of .* before version 1") as caught:
        rollback(spec, settings)
    assert "--to VERSION" in caught.value.remedy
    assert [(line.action, line.from_version, line.to_version) for line in history(spec.name, settings)[3:]] == [
        ("rollback", "3", "2"),
        ("rollback", "2", "1"),
    ]
    assert history(spec.name, settings)[-1].reason == "worse still"


def test_a_signed_version_comes_back_without_the_private_key(
    spec: ModelSpec, settings: Settings, keyless: Settings
) -> None:
    several(settings, spec, 3)
    promote(spec, 1, settings)
    promote(spec, 2, settings)
    assert rollback(spec, keyless).version.signed_by == champion(spec, settings).signed_by != ""
    with pytest.raises(ConfigError, match="no private key"):
        rollback(spec, keyless, to=3)
    assert champion(spec, settings).version == "1"


def test_a_champion_that_was_archived_or_forced_may_come_back(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1", verdict="block")
    registered(settings, spec, "v2", seed=2)
    promote(spec, 1, settings, force=True, reason="there is no other")
    promote(spec, 2, settings, archive_current=True)
    archived = registry.find_version(spec.name, 1, settings)
    assert archived.archived_at
    rollback(spec, settings)
    assert champion(spec, settings).version == "1"
    assert champion(spec, settings).archived_at == ""


def test_what_never_was_champion_is_no_way_back_around_the_gate(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1")
    registered(settings, spec, "v2", verdict="block")
    promote(spec, 1, settings)
    with pytest.raises(NotPromoted, match="blocked version 2"):
        rollback(spec, settings, to=2)


def test_the_audit_and_not_the_alias_tells_who_was_before(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 3)
    promote(spec, 1, settings)
    promote(spec, 2, settings)
    registry.point(settings, registry.find_version(spec.name, 3, settings), registry.PREVIOUS)
    assert rollback(spec, settings).version.version == "1"


def test_a_registry_that_counts_anew_is_not_taken_for_the_one_of_the_audit(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 2)
    line = told(">1")[0]
    append(Deployment(**{**vars(line), "project": spec.name, "to_bundle": "of another registry"}), settings)
    registry.point(settings, registry.find_version(spec.name, 1, settings), registry.CHAMPION)
    promote(spec, 2, settings)
    with pytest.raises(NotPromoted, match="another bundle than the audit"):
        rollback(spec, settings)
