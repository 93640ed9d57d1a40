"""A bound in memory: what Python holds at its worst while a fuzz test runs all of its examples."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LARGEST = 128 * 2**20  # bytes


@pytest.fixture(scope="session", autouse=True)
def _hypothesis_has_read_the_sources() -> None:
    """It looks through the text of all modules for constants, once, and that is no memory of ours."""

    @settings(max_examples=20, database=None, derandomize=True)
    @given(st.text() | st.integers() | st.floats() | st.binary())
    def anything(_one: object) -> None:
        pass

    anything()


@pytest.fixture(autouse=True)
def _memory_stays_within_its_bound(request: pytest.FixtureRequest) -> Iterator[None]:
    tracemalloc.start()
    yield
    _, worst = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert worst < LARGEST, f"{worst / 2**20:.0f} MiB in {request.node.name}"
