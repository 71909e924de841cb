"""The drill: versions are made, then a champion and its successors live under constant load, then all is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from drills.claims import Check
from drills.lifecycle import checks, programs, versions
from drills.lifecycle.answers import read
from drills.lifecycle.champions import Watch, watched
from drills.lifecycle.checks import Waiting
from drills.lifecycle.place import PROJECT, Place
from drills.lifecycle.play import BY_POLL, BY_RELOAD, Play, Say
from drills.lifecycle.service import Service
from drills.lifecycle.versions import Spoilt
from portfolio.spec.projects import find_project

OTHER_SEED = 1
"""So that the second version is another model of the same rows."""


@dataclass(frozen=True)
class Pace:
    """Seconds between two looks of the sidecar at the registry, and those that the registry stays away."""

    poll: float
    outage: float


@dataclass(frozen=True)
class Cast:
    """The versions: two good ones, and those that must not serve."""

    first: int
    second: int
    worse: Spoilt
    altered: Spoilt
    unfit: Spoilt

    @property
    def refused(self) -> tuple[Spoilt, ...]:
        """Those that must not serve."""
        return (self.worse, self.altered, self.unfit)


def drill(place: Place, pace: Pace, say: Say) -> list[Check]:
    """Live it all, then judge. Raises DrillError where it could not be lived to its end."""
    with ExitStack() as stack:
        mlflow = stack.enter_context(programs.mlflow(place))
        cast, found = _make_versions(place, say)
        service = Service(place, place.folder / "answers")
        stack.enter_context(programs.api(place, service.healthy))
        watch = stack.enter_context(watched(place))
        stack.enter_context(programs.load(place, find_project(PROJECT), service.answers))
        play = Play(place, service, watch, say, found)
        _move(play, cast)
        _refuse(play, cast)
        play.outage(mlflow, stack, seconds=pace.outage)
        play.promote(cast.second, BY_RELOAD)
    history = place.history()
    return [*_judge(service, watch, cast, _waiting(pace, history)), *found, checks.told(history, _story(cast))]


def _move(play: Play, cast: Cast) -> None:
    """To and fro, told and untold."""
    play.begin(cast.first)
    play.promote(cast.second, BY_RELOAD)
    play.roll_back(cast.first, BY_POLL)
    play.promote(cast.second, BY_POLL)
    play.roll_back(cast.first, BY_RELOAD)


def _refuse(play: Play, cast: Cast) -> None:
    """What the command refuses, and the API where somebody goes past the command."""
    for version in cast.refused:
        play.refuse(version)
    for version in (cast.altered, cast.unfit):
        play.point_by_hand(version, then=cast.first)


def _story(cast: Cast) -> list[str]:
    """What the audit must tell of all this."""
    forth, back = f"promote {cast.first} to {cast.second}", f"rollback {cast.second} to {cast.first}"
    return [f"promote none to {cast.first}", forth, back, forth, back, forth]


def _waiting(pace: Pace, history: Sequence[Mapping[str, Any]]) -> Waiting:
    """The load time is that of the first promotion: told at once, of a version that the API had never seen."""
    return Waiting(pace.poll, next(line["seconds"] for line in history if line["outcome"] == "live"))


def _judge(service: Service, watch: Watch, cast: Cast, waiting: Waiting) -> list[Check]:
    answers = read(service.answers)
    refused = [version.number for version in cast.refused]
    return [*checks.answered(answers), *checks.followed(answers, watch.reigns, refused, waiting)]


def _make_versions(place: Place, say: Say) -> tuple[Cast, list[Check]]:
    """Train a good one, then another and a worse one beside each other, and spoil copies of the good one."""
    first, _ = versions.train(place)
    say(f"version {first} is trained, on the synthetic sample")
    with ThreadPoolExecutor() as aside:
        place.seed(OTHER_SEED)
        shuffled = aside.submit(versions.train_worse, place, find_project(PROJECT))
        second, _ = versions.train(place)
        number, ended = shuffled.result()
    worse = Spoilt(number, "it is trained on shuffled labels", "gate has blocked")
    say(f"version {second} is trained with another seed, version {number} on shuffled labels")
    altered, unfit = versions.alter(place, second), versions.unfit(place, second)
    say(f"versions {altered.number} and {unfit.number} are copies of {second}: {altered.what}; {unfit.what}")
    return Cast(first, second, worse, altered, unfit), [checks.blocked(ended)]
