"""Several projects in one command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from toys import LATE

from portfolio.errors import DataError
from portfolio.spec import ModelSpec
from portfolio.training import command


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [({"a": 0, "b": 0}, 0), ({"a": 3, "b": 0}, 3), ({"a": None, "b": 3}, 1), ({"a": 0, "b": None}, 1), ({}, 0)],
)
def test_a_project_that_fails_is_told_and_the_others_are_trained(
    outcomes: Mapping[str, int | None],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = []

    def run_training(spec: ModelSpec, **_: object) -> int:
        asked.append(spec.name)
        outcome = outcomes[spec.name]
        if outcome is None:
            raise DataError(f"{spec.name} has no data.")
        return outcome

    monkeypatch.setattr(command, "run_training", run_training)
    specs = [replace(LATE, name=name) for name in outcomes]
    assert command.run_trainings(specs, effort="quick", data_path=None, register=True) == code
    assert asked == list(outcomes)
    failed = [name for name, outcome in outcomes.items() if outcome is None]
    assert capsys.readouterr().err.splitlines() == [f"error: {name} has no data." for name in failed]
