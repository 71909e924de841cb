"""The way back, by the audit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from champions import alias, champion, registered, several

from portfolio import registry
from portfolio.errors import ConfigError, NotPromoted
from portfolio.promotion.aliases import move, put_back, standing
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
                from_bundle=start,
                to_bundle=end,
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
        ((">1", "1>2", ">1"), "1", "1 2 1"),  # somebody took the alias away
        ((">1", "1>2", "2>3", "3<1"), "1", "1"),
        ((">1", "1>2", ">x", "x>y", "2>3"), "3", "1 2 3"),  # another registry's, in the same store
        ((">x", "x>y", ">1"), "1", "1"),  # the registry was made anew
    ],
)
def test_the_past_is_what_was_done_and_not_undone(changes: Iterable[str], now: str, stack: str) -> None:
    assert champions(told(*changes), now, "123456789") == stack.split()


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


def another_registry(spec: ModelSpec, settings: Settings, version: str) -> None:
    """Its version was champion, and the same store keeps its audit."""
    line = Deployment(**{**vars(told(">1")[0]), "project": spec.name, "to_version": version, "to_bundle": "elsewhere"})
    append(line, settings)


def test_champions_of_another_registry_are_no_past_of_this_one(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 2)
    promote(spec, 1, settings)
    promote(spec, 2, settings)
    another_registry(spec, settings, "5")
    assert rollback(spec, settings).version.version == "1"


def test_a_number_that_was_champion_elsewhere_is_no_way_around_the_gate(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1")
    registered(settings, spec, "v2", verdict="block")
    promote(spec, 1, settings)
    another_registry(spec, settings, "2")
    with pytest.raises(NotPromoted, match="blocked version 2"):
        rollback(spec, settings, to=2)


def test_who_was_champion_before_a_rollback_may_be_so_again(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1")
    registered(settings, spec, "v2", verdict="keep")
    promote(spec, 1, settings)
    promote(spec, 2, settings, reason="an exercise")
    rollback(spec, settings)
    assert rollback(spec, settings, to=2).version.version == "2"


def test_a_second_ctrl_c_does_not_keep_the_aliases_from_going_back(
    spec: ModelSpec, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(settings, spec, 2)
    promote(spec, 1, settings)
    target, before = registry.find_version(spec.name, 2, settings), standing(spec.name, settings)
    real = registry.point

    def impatient(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        real(*arguments)

    def interrupted() -> None:
        with put_back(target, before, settings):
            move(target, before, settings)
            monkeypatch.setattr(registry, "point", impatient)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert champion(spec, settings).version == "1"
    assert registry.pointed(spec.name, registry.PREVIOUS, settings) is None


def test_the_history_ends_with_what_ended_last(spec: ModelSpec, settings: Settings) -> None:
    first, second = ({**vars(line), "project": spec.name} for line in told(">1", "1>2"))
    for line, outcome in ((first, "intended"), (second, "done"), (first, "failed")):
        append(Deployment(**{**line, "outcome": outcome}), settings)
    assert [line.outcome for line in history(spec.name, settings)] == ["done", "failed"]
