"""The short form of `make handover`: forty hand-overs between two watchdogs while good and bad releases keep coming."""

import pytest

from handover import KINDS, handed_over
from stopping import run_stoppable


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_done_twice_and_nothing_is_lost_over_forty_hand_overs(seed: int) -> None:
    result = run_stoppable(handed_over(20, seed))
    assert result.violations == []
    assert result.bad > 5
    assert {kind: len(times) for kind, times in result.took.items()} == dict.fromkeys(KINDS, 5)
