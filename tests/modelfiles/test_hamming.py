"""The look-alike index against counting bits one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.errors import BadRequest
from pinako.metadata import hamming
from pinako.metadata.hamming import NearIndex, distance_between

_base = st.sampled_from([0, 2**64 - 1, 0x0F0F0F0F0F0F0F0F, 0x123456789ABCDEF0])
_bits = st.lists(st.integers(0, 63), max_size=7)


def _flipped(base: int, bits: list[int]) -> int:
    for bit in bits:
        base ^= 1 << bit
    return base


_hashes = st.builds(_flipped, _base, _bits)
_steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "many", "prepare"]), st.integers(0, 12), _hashes), max_size=40
)


@given(_steps, _hashes, st.integers(0, 16))
def test_near_and_groups_are_what_counting_finds(steps: list[tuple[str, int, int]], wanted: int, distance: int) -> None:
    index = NearIndex()
    plain: dict[int, int] = {}
    for deed, id, phash in steps:
        if deed == "remove":
            index.remove(id)
            plain.pop(id, None)
        elif deed == "prepare":
            index.prepare()
        elif deed == "add":
            index.add(id, phash)
            plain[id] = phash
        else:
            index.add_many([(id, 5), (id + 1, phash), (id, phash)])
            plain |= {id: phash, id + 1: phash}
    assert len(index) == len(plain)
    expected = sorted((distance_between(phash, wanted), id) for id, phash in plain.items())
    assert [(near.distance, near.id) for near in index.near(wanted, distance=distance)] == [
        pair for pair in expected if pair[0] <= distance
    ]
    assert index.groups(distance=distance) == _plain_groups(plain, distance)


def _plain_groups(plain: dict[int, int], distance: int) -> list[tuple[int, ...]]:
    groups = {id: {id} for id in plain}
    for one, other in itertools.combinations(plain, 2):
        if distance_between(plain[one], plain[other]) <= distance and groups[one] is not groups[other]:
            groups[one] |= groups[other]
            for id in groups[other]:
                groups[id] = groups[one]
    return sorted({tuple(sorted(group)) for group in groups.values() if len(group) > 1})


def test_signed_and_unsigned_spellings_are_one_hash() -> None:
    index = NearIndex.build([(1, -1), (2, 2**63)])
    assert [near.id for near in index.near(2**64 - 1, distance=0)] == [1]
    assert [near.id for near in index.near(-(2**63), distance=0)] == [2]
    assert distance_between(-1, 2**64 - 1) == 0


def test_across_blocks_with_a_limit() -> None:
    source = np.random.default_rng(1)
    hashes = source.integers(0, 2**64, size=100_000, dtype=np.uint64)
    hashes[99_999] = hashes[5] ^ np.uint64(0b101)
    index = NearIndex.build(enumerate(hashes.tolist()))
    assert index.near(int(hashes[5]), distance=2) == [(5, 0), (99_999, 2)]
    assert index.near(int(hashes[5]), distance=2, limit=1) == [(5, 0)]
    assert index.groups(distance=4) == [(5, 99_999)]


def test_the_popcount_of_older_numpy_counts_alike() -> None:
    values = np.array([0, 1, 2**64 - 1, 0x8000000000000001, 0x123456789ABCDEF0], dtype=np.uint64)
    assert hamming._counted(values).tolist() == [value.bit_count() for value in values.tolist()]


@pytest.mark.parametrize("distance", [-1, 17])
def test_distances_that_are_no_likeness(distance: int) -> None:
    with pytest.raises(BadRequest):
        NearIndex().near(0, distance=distance)


def test_crowds_are_looked_at_whole() -> None:
    """Where too many agree in a quarter, looking them up would cost more than one pass; the answer is the same."""
    chance = np.random.default_rng(1)
    crowd = (chance.integers(0, 1 << 48, 300_000) << 16) | 0xBEEF
    index = NearIndex.build((id, int(phash)) for id, phash in enumerate(crowd.tolist()))
    wanted = int(crowd[7]) ^ 0b101 ^ (1 << 40)
    assert [(near.id, near.distance) for near in index.near(wanted, distance=3)] == [(7, 3)]
    index.add(400_000, wanted)
    assert [near.id for near in index.near(wanted, distance=3)] == [400_000, 7]
