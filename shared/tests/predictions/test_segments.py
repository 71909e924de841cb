"""Segments hold what was written to them, and tell what they lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.predictions.segments import Gap, Record, Segment, count, packed, released, scan, segments, waiting

WRITTEN = [packed(f"payload {number}".encode() * number, rows=number, at=1e9 + number) for number in range(1, 8)]
WHOLE = b"".join(WRITTEN)
ENDS = [len(b"".join(WRITTEN[: number + 1])) for number in range(len(WRITTEN))]


def rows(content: bytes) -> list[int]:
    return [place.rows for place in scan(content) if isinstance(place, Record)]


@given(st.integers(0, len(WHOLE)))
def test_a_segment_that_is_torn_anywhere_has_exactly_its_complete_records(cut: int) -> None:
    found = list(scan(WHOLE[:cut]))
    assert [place.end for place in found] == [end for end in ENDS if end <= cut]
    assert not any(isinstance(place, Gap) for place in found)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_one_wrong_byte_costs_one_record(at: int, change: int) -> None:
    spoilt = bytearray(WHOLE)
    spoilt[at] ^= change
    hit = next(number for number, end in enumerate(ENDS) if at < end)
    assert rows(bytes(spoilt)) == [number + 1 for number in range(len(ENDS)) if number != hit]


@given(st.integers(0, len(WHOLE)), st.integers(1, 5000))
def test_zeros_that_a_loss_of_power_leaves_are_no_records(cut: int, zeros: int) -> None:
    complete = [number + 1 for number, end in enumerate(ENDS) if end <= cut]
    assert rows(WHOLE[:cut] + bytes(zeros)) == complete


@given(st.binary(max_size=200))
def test_what_is_between_records_is_told_as_one_gap(dirt: bytes) -> None:
    content = WRITTEN[0] + dirt + WRITTEN[1]
    gaps = [place for place in scan(content) if isinstance(place, Gap)]
    assert rows(content) == [1, 2]
    assert gaps == ([Gap(len(WRITTEN[0]), len(WRITTEN[0]) + len(dirt))] if dirt else [])


def test_a_payload_that_looks_like_a_record_is_none(tmp_path: Path) -> None:
    content = packed(b'"PRJ1' + bytes(30), rows=1, at=0)[:-1] + WRITTEN[0]
    assert rows(content) == [1]


def test_a_segment_is_held_until_it_is_closed(tmp_path: Path) -> None:
    segment = Segment(tmp_path)
    segment.append(WRITTEN[0], sync=False)
    with released(segment.path) as free:
        assert not free
    segment.close()
    with released(segment.path) as free, released(segment.path) as twice:
        assert (free, twice) == (True, False)


def test_a_segment_is_released_by_the_death_of_its_writer(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from portfolio.predictions.segments import Segment, packed
segment = Segment(Path(sys.argv[1]))
segment.append(packed(b"x", rows=1, at=0), sync=True)
print(flush=True)
input()
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        writer.stdout.readline()
        [path] = segments(tmp_path)
        with released(path) as free:
            assert not free
        writer.kill()
        writer.wait()
    with released(path) as free:
        assert free


def test_a_segment_that_nobody_wrote_to_leaves_nothing(tmp_path: Path) -> None:
    Segment(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_does_not_fit_the_disk_leaves_what_was_there(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from portfolio.predictions.segments import Segment, packed
segment = Segment(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for size in (700, 700, 100):
    try:
        segment.append(packed(bytes(size), rows=size, at=0), sync=False)
    except OSError as error:
        print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    assert done == "OSError\n"
    [path] = segments(tmp_path)
    assert rows(path.read_bytes()) == [700, 100]
    assert path.stat().st_size == 800 + 2 * 24


def test_what_waits_is_told_from_the_headers(tmp_path: Path) -> None:
    assert waiting(tmp_path / "nowhere", {}) == (0, None)
    first, second = Segment(tmp_path), Segment(tmp_path)
    for record in WRITTEN[3:]:
        first.append(record, sync=False)
    second.append(WRITTEN[0], sync=False)
    assert waiting(tmp_path, {}) == (len(WHOLE) - ENDS[2] + ENDS[0], 1e9 + 1)
    stored = {first.path.name: len(WRITTEN[3]), second.path.name: ENDS[0]}
    assert waiting(tmp_path, stored) == (len(WHOLE) - ENDS[3], 1e9 + 5)


@pytest.mark.parametrize("size", [0, 1, 23])
def test_less_than_a_header_waits_for_nobody(tmp_path: Path, size: int) -> None:
    (tmp_path / "1.segment").write_bytes(bytes(size))
    assert waiting(tmp_path, {}) == (0, None)


@given(
    st.integers(0, len(WHOLE)),
    st.sampled_from([0, *ENDS]),
    st.binary(max_size=20).filter(lambda dirt: b"P" not in dirt),
)
def test_headers_tell_how_many_predictions_there_are(cut: int, start: int, dirt: bytes) -> None:
    content = WHOLE[:start] + dirt + WHOLE[start : max(start, cut)]
    with NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        assert count(Path(file.name)) == sum(rows(content))
        assert count(Path(file.name), start) == sum(rows(content[start:]))


def test_counting_checks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "1.segment").write_bytes(WHOLE)
    monkeypatch.setattr("portfolio.predictions.segments.crc32", lambda *_: pytest.fail("a checksum"))
    assert count(tmp_path / "1.segment") == sum(range(1, 8))


def test_a_segment_that_cannot_be_held_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("portfolio.predictions.segments.fcntl.flock", refuse)
    with pytest.raises(OSError, match="no locks"):
        Segment(tmp_path)
    assert list(tmp_path.iterdir()) == []
