"""A bound in memory: what Python holds at its worst while a fuzz test runs all of its examples."""

import tracemalloc
from collections.abc import Iterator

import pytest

LARGEST = 128 * 2**20  # bytes


@pytest.fixture(autouse=True)
def _memory_stays_within_its_bound(request: pytest.FixtureRequest) -> Iterator[None]:
    tracemalloc.start()
    yield
    _, worst = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert worst < LARGEST, f"{worst / 2**20:.0f} MiB in {request.node.name}"
