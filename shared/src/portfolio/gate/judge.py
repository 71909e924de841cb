"""Every rule is asked, whatever the others say; the worst consequence of those that fail decides."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.gate.absolute import ask_absolute
from portfolio.gate.comparison import ask_comparison
from portfolio.gate.verdict import Check, Consequence, Decision, Evidence, Overridden, Verdict
from portfolio.spec import Absolute, AtLeast, AtMost, Cooldown, Improves, Rule


def judge(rules: Sequence[Rule | Overridden], evidence: Evidence, *, floors_advise: bool = False) -> Verdict:
    """Ask every rule. `floors_advise`: limits of metrics were set for real data and only advise on a synthetic sample.

    A candidate that is unfit or worse than the champion is blocked; one that is merely no reason to change keeps it.
    """
    checks = tuple(_check(rule, evidence, floors_advise) for rule in rules)
    decision = _decision({check.consequence for check in checks if check.counts})
    return Verdict(decision, checks, evidence.champion_version)


def _decision(consequences: set[Consequence]) -> Decision:
    return "block" if "block" in consequences else "keep" if "keep" in consequences else "promote"


def _check(rule: Rule | Overridden, evidence: Evidence, floors_advise: bool) -> Check:
    if isinstance(rule, Overridden):
        return _answered(rule.rule, rule.declared, rule.reason, evidence=evidence, floors_advise=floors_advise)
    return _answered(rule, rule.name, "", evidence=evidence, floors_advise=floors_advise)


def _answered(rule: Rule, name: str, reason: str, *, evidence: Evidence, floors_advise: bool) -> Check:
    answer = ask_absolute(rule, evidence) if isinstance(rule, Absolute) else ask_comparison(rule, evidence)
    why = f"{answer.why} (limit overridden: {reason})" if reason else answer.why
    consequence = _consequence(rule, floors_advise)
    return Check(name, answer.value, answer.limit, answer.passed, why, consequence, reason)


def _consequence(rule: Rule, floors_advise: bool) -> Consequence:
    if isinstance(rule, Improves | Cooldown):
        return "keep"
    return "advise" if floors_advise and isinstance(rule, AtLeast | AtMost) else "block"
