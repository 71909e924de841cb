"""Ids follow the standard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from portfolio.serving.ids import Entropy, Ids, uuid7


def test_a_prediction_id_is_the_standards_own_example() -> None:
    """RFC 9562, appendix A.6."""
    entropy = bytes.fromhex("0cc318c4dc0c0c07398f")
    assert uuid7(0x017F22E279B0, entropy) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@pytest.mark.parametrize("entropy", [bytes(10), b"\xff" * 10])
def test_version_and_variant_stand_whatever_the_random_bits_are(entropy: bytes) -> None:
    made = uuid7(1, entropy)
    assert (made[14], made[19] in "89ab") == ("7", True)


def test_prediction_ids_sort_by_time() -> None:
    made = [uuid7(milliseconds, b"\xff" * 10) for milliseconds in range(10**12, 10**12 + 50)]
    assert all(one < next_one for one, next_one in pairwise(made))


def test_a_generated_request_id_is_never_the_same() -> None:
    ids = Ids()
    assert len({ids.given([])[0] for _ in range(1000)}) == 1000


def test_threads_never_get_the_same_entropy() -> None:
    entropy = Entropy()
    with ThreadPoolExecutor(8) as threads:
        taken = [*threads.map(lambda _: entropy.take(), range(20_000))]
    assert len(set(taken)) == 20_000
