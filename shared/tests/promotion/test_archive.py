"""Versions that are put away, proposed, named by alias or stage."""

from __future__ import annotations

import pytest
from champions import alias, champion, registered, several

from portfolio import registry
from portfolio.errors import ConfigError, NotPromoted, RegistryError, StoreError
from portfolio.promotion import flow
from portfolio.promotion.admission import find
from portfolio.promotion.archive import archive, challenge, restore
from portfolio.promotion.audit import history, who
from portfolio.promotion.flow import promote
from portfolio.promotion.stages import move_to
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


def test_the_champion_is_never_archived(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 1)
    promote(spec, 1, settings)
    with pytest.raises(NotPromoted, match="is the champion"):
        archive(spec, "champion", settings)
    assert champion(spec, settings).archived_at == ""


def test_what_is_archived_already_or_not_at_all_is_said(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 1)
    with pytest.raises(NotPromoted, match="is not archived"):
        restore(spec, 1, settings)
    archive(spec, 1, settings)
    with pytest.raises(NotPromoted, match="is archived since"):
        archive(spec, 1, settings)
    assert len(history(spec.name, settings)) == 1


def test_who_is_promoted_stays_so_where_the_one_before_can_not_be_archived(
    spec: ModelSpec, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    several(settings, spec, 2)
    promote(spec, 1, settings)
    monkeypatch.setattr(flow, "archive", full)
    done = promote(spec, 2, settings, archive_current=True)
    assert done.sentence.endswith("version 1 is not archived: the disk is full")
    assert champion(spec, settings).version == "2"


def test_an_archived_version_is_promoted_by_force_or_once_it_is_taken_out(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 2)
    registry.point(settings, registry.find_version(spec.name, 1, settings), registry.CHALLENGER)
    for version in (1, 2):
        archive(spec, version, settings, reason="leaks")
    assert alias(settings, spec, "challenger") == ""
    with pytest.raises(NotPromoted, match="is archived since 20"):
        promote(spec, 1, settings)
    promote(spec, 1, settings, force=True, reason="it does not")
    assert champion(spec, settings).archived_at == ""
    restore(spec, 2, settings)
    promote(spec, 2, settings)
    assert [line.from_version for line in history(spec.name, settings)] == ["", "", "", "", "1"]  # of promotions alone
    told = [(line.action, line.outcome, line.reason) for line in history(spec.name, settings)]
    assert told[:2] == [("archive", "done", "leaks")] * 2
    assert told[3] == ("restore", "done", "")


def test_stages_are_other_names_for_what_is_done_anyway(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 3)
    move_to("Production", spec, 1, settings, archive_current=False)
    assert move_to("STAGING", spec, 2, settings, archive_current=False).endswith("version 2 is the challenger")
    assert alias(settings, spec, "challenger") == "2"
    assert "version 2 is the champion" in move_to("production", spec, "Staging", settings, archive_current=True)
    assert (alias(settings, spec, "champion"), alias(settings, spec, "challenger")) == ("2", "")
    assert registry.find_version(spec.name, 1, settings).archived_at
    assert move_to("Archived", spec, "3", settings, archive_current=False).endswith("version 3 is archived")
    with pytest.raises(ConfigError, match="no stage 'none'"):
        move_to("none", spec, 1, settings, archive_current=False)


def test_what_the_gate_blocked_is_not_proposed(spec: ModelSpec, settings: Settings) -> None:
    registered(settings, spec, "v1", verdict="block")
    with pytest.raises(NotPromoted, match="blocked"):
        challenge(spec, 1, settings)


def test_a_version_is_named_by_number_alias_or_stage_in_any_case(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 3)
    for version, name in ((1, "previous"), (2, "champion"), (3, "challenger")):
        registry.point(settings, registry.find_version(spec.name, version, settings), name)
    named = {"1": "1", "previous": "1", "Champion": "2", "PRODUCTION": "2", "staging": "3", " challenger ": "3"}
    assert {name: find(spec.name, name, settings).version for name in named} == named
    for name, why in (("Archived", "Several versions may be archived"), ("best", "'best' names no version")):
        with pytest.raises(ConfigError, match=why):
            find(spec.name, name, settings)
    with pytest.raises(RegistryError, match="toynobody has no champion"):
        find("toynobody", "production", settings)


def test_the_audit_names_who_was_at_work(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert who(settings.model_copy(update={"audit_user": "ann"})) == "ann"
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)  # as in a container, where that has no name
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    assert who(settings) == "uid 54321@desk"
