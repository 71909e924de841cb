"""Limits that a project's configuration sets instead of those its spec declares, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from portfolio.errors import ConfigError
from portfolio.gate.verdict import Overridden
from portfolio.settings import Override
from portfolio.spec import Margin, Rule, with_limit


def overridden(rules: Sequence[Rule], overrides: Sequence[Override]) -> tuple[Rule | Overridden, ...]:
    """The rules as they shall be asked.

    Raises ConfigError for a rule that isn't declared, or is named twice, and for a negative margin.
    """
    declared = {rule.name for rule in rules}
    named = Counter(override.rule for override in overrides)
    for name, times in named.items():
        if name not in declared:
            raise ConfigError(f"gate.overrides: there is no rule {name!r}.", remedy=f"There are: {_listed(declared)}.")
        if times > 1:
            raise ConfigError(f"gate.overrides: {name!r} is there {times} times.", remedy="Leave one.")
    by_name = {override.rule: override for override in overrides}
    return tuple(_changed(rule, by_name.get(rule.name)) for rule in rules)


def _changed(rule: Rule, override: Override | None) -> Rule | Overridden:
    if override is None:
        return rule
    if isinstance(rule, Margin) and override.limit < 0:
        raise ConfigError(
            f"gate.overrides: the limit of {rule.name!r} is negative.",
            remedy="A margin is positive: 0.05 allows a loss of 0.05, or asks for a gain of it.",
        )
    return Overridden(with_limit(rule, override.limit), rule.name, override.reason)


def _listed(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "none"
