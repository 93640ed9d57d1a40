"""Every namespace has one shard, the same in every process; many namespaces spread over all of them."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.shards import MOST, WHOLE, Shard, shard_of

NAMESPACES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@given(NAMESPACES, st.integers(1, MOST))
def test_a_namespace_is_in_exactly_one_shard(namespace: str, of: int) -> None:
    having = [number for number in range(of) if Shard(number, of).has(namespace)]
    assert having == [shard_of(namespace, of)]


@given(NAMESPACES)
def test_without_shards_everything_is_in_the_whole(namespace: str) -> None:
    assert WHOLE.has(namespace)


@pytest.mark.parametrize("of", [2, 3, 4, 8, 32])
def test_many_namespaces_spread_evenly(of: int) -> None:
    counts = Counter(shard_of(f"team-{number}", of) for number in range(100 * of))
    assert set(counts) == set(range(of))
    assert max(counts.values()) <= 140


def test_the_hash_is_the_same_in_every_process_and_in_every_version() -> None:
    # Written down: a version that hashed otherwise beside one that does not would have targets led twice.
    names = ["production", "staging", "shop", "payments", "default", "search"]
    assert [shard_of(name, 3) for name in names] == FOR_EVER
    program = f"from watchdog.domain.shards import shard_of; print([shard_of(name, 3) for name in {names!r}])"
    for seed in ("0", "1"):
        ran = subprocess.run(
            [sys.executable, "-c", program], check=True, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True
        )
        assert ran.stdout.strip() == str(FOR_EVER)


FOR_EVER = [1, 1, 1, 0, 1, 2]
