"""What the drill must show: each claim with its figure and its limit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drills.claims import Check
from drills.lifecycle.answers import Answers, failed, lateness, rate
from drills.lifecycle.champions import Reign, due
from drills.lifecycle.place import Ended
from drills.lifecycle.versions import Spoilt

LEAST_RATE = 500
JITTER = 1.2
"""Of the time between two questions of the sidecar to the registry, at most."""
BLOCKED, REFUSED = 3, 1
FAILED_RULE = re.compile(r"^(\S.*?) {2,}failed ", re.MULTILINE)


@dataclass(frozen=True)
class Waiting:
    """How long the service may take to follow: between two looks, and to load a version, as measured (seconds)."""

    poll: float
    load: float

    @property
    def longest(self) -> float:
        """From the alias to the last answer of the version before."""
        return JITTER * self.poll + self.load


def answered(answers: Answers) -> list[Check]:
    """Every request was answered, and they were many."""
    lost, pace = failed(answers), rate(answers)
    found = (
        f"{pace.mean:.0f} a second, {pace.slowest} in the slowest second, longest answer {pace.longest * 1e3:.0f} ms"
    )
    return [
        Check("no request failed", f"{lost} of {len(answers):,}", "0", lost == 0),
        Check("constant load", found, f">= {LEAST_RATE} a second", pace.mean >= LEAST_RATE),
    ]


def followed(answers: Answers, reigns: Sequence[Reign], refused: Sequence[int], waiting: Waiting) -> list[Check]:
    """Answers are of the champion, or of who was it a moment ago; never of a version that is not to be trusted."""
    late = lateness(answers, due(reigns, refused))
    limit = f"<= {JITTER:g} x {waiting.poll:g} s poll + {waiting.load:.2f} s load = {waiting.longest:.2f} s"
    wrong = int(np.isin(answers["version"], list(refused)).sum())
    return [
        Check("latest answer of a version after its reign", f"{late:.2f} s", limit, late <= waiting.longest),
        Check("answers of a version that failed verification", str(wrong), "0", wrong == 0),
    ]


def rolled_back(seconds: float, limit: float, *, how: str) -> Check:
    """From the move of the alias to the last answer of another version."""
    return Check(f"rollback to serving by {how}", f"{seconds:.2f} s", f"<= {limit:g} s", seconds <= limit)


def refused_by_command(ended: Ended, version: Spoilt) -> Check:
    """The command refuses by itself, and names why."""
    said = ended.said.replace("\n", " ")
    holds = ended.code == REFUSED and version.reason in said
    limit = f"exit code {REFUSED}, names {version.reason!r}"
    return Check(f"`portfolio promote` refuses version {version.number}", f"exit code {ended.code}", limit, holds)


def refused_by_service(failure: Mapping[str, Any], version: Spoilt) -> Check:
    """The service refuses by itself, and /model/info names why."""
    what = str(failure["detail"]).partition(": ")[2].partition(". ")[0]  # without the folder and the remedy
    holds = version.reason in what
    found = f"{failure['reason']}: {what}"
    return Check(f"the API refuses version {version.number}", found, f"names {version.reason!r}", holds)


def blocked(ended: Ended) -> Check:
    """The gate keeps a worse model out, and names the rules."""
    rules = FAILED_RULE.findall(ended.said)
    found = f"exit code {ended.code}, failed: {'; '.join(rules) or 'none'}"
    return Check(
        "the gate blocks shuffled labels", found, f"exit code {BLOCKED}", ended.code == BLOCKED and bool(rules)
    )


def told(history: Sequence[Mapping[str, Any]], story: Sequence[str]) -> Check:
    """The audit has every change that stood, in order, and no other."""
    stood = [_change(line) for line in history if line["outcome"] != "failed"]
    return Check("the audit tells the story in order", ", ".join(stood), "as it was done", stood == list(story))


def _change(line: Mapping[str, Any]) -> str:
    return f"{line['action']} {line['from_version'] or 'none'} to {line['to_version']}"
