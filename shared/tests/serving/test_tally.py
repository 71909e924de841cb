"""Counters count as Prometheus' own do, and add up over processes."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from portfolio.serving.tally import Counts, Spread, Tally

BOUNDS = (0.1, 0.5, 1.0)


def seconds() -> Spread:
    return Spread("seconds", "About", BOUNDS, {"path": ("/a", "/b")})


def values(spread: Spread, tally: Tally) -> dict[tuple[str, str], float]:
    [family] = tally.families()
    return {(s.name, s.labels.get("le", "")): s.value for s in family.samples if s.labels["path"] == "/a"}


@given(st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.1000001, 0.5, 0.99, 1.0, 7.5]), min_size=1))
def test_a_spread_shows_what_prometheus_own_histogram_shows(observed: list[float]) -> None:
    theirs = Histogram("seconds", "About", ["path"], buckets=BOUNDS, registry=CollectorRegistry()).labels("/a")
    ours = seconds()
    tally = Tally([ours], None)
    for value in observed:
        theirs.observe(value)
        ours.observe(("/a",), value)
    expected = {
        ("seconds" + sample.name, sample.labels.get("le", "")): sample.value
        for sample in theirs._child_samples()
        if sample.name != "_created"
    }
    assert values(ours, tally) == expected


def test_blocks_do_not_run_into_each_other() -> None:
    first, second, third = Counts("a", "A", {"x": ("1", "2")}), seconds(), Counts("b", "B", {})
    tally = Tally([first, second, third], None)
    first.add(("2",), 5)
    second.observe(("/b",), 9.0)
    third.add((), 7)
    counted = {family.name: {tuple(s.labels.values()): s.value for s in family.samples} for family in tally.families()}
    assert counted["a"] == {("2",): 5}
    assert counted["b"] == {(): 7}
    assert counted["seconds"]["/b", "+Inf"] == 1


def count(folder: Path, number: int) -> None:
    counts = Counts("a", "A", {})
    Tally([counts], folder)
    for _ in range(number):
        counts.add(())


def test_processes_add_up_even_after_their_end(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=count, args=(tmp_path, number)) for number in (100, 23)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts = Counts("a", "A", {})
    tally = Tally([counts], tmp_path)
    counts.add(())
    [family] = tally.families()
    assert family.samples[0].value == 124
    assert len(tally.workers()) == 1


def test_what_counts_other_things_beside_it_is_left_out(tmp_path: Path) -> None:
    other, counts = Counts("a", "A", {"x": ("1", "2")}), Counts("a", "A", {})
    Tally([other], tmp_path)
    tally = Tally([counts], tmp_path)
    other.add(("1",), 5)
    counts.add((), 2)
    [family] = tally.families()
    assert [sample.value for sample in family.samples] == [2]


def test_a_process_that_counts_twice_loses_nothing(tmp_path: Path) -> None:
    """As one does whose id comes back."""
    first, second = Counts("a", "A", {}), Counts("a", "A", {})
    Tally([first], tmp_path)
    first.add((), 3)
    tally = Tally([second], tmp_path)
    second.add((), 4)
    [family] = tally.families()
    assert family.samples[0].value == 7
