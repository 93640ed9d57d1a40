"""The judge on a real control plane with a real Prometheus: an 8 % fault is undone in time, a good release is not."""

from __future__ import annotations

import pytest

from e2e.judged import GOOD_ONES, IN_TIME, STORM
from e2e.season import Season

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("name", IN_TIME)
def test_an_8_percent_fault_at_20_requests_per_second_is_undone_in_time(season: Season, name: str):
    season.stories[name].check()


@pytest.mark.parametrize("name", GOOD_ONES)
def test_a_good_release_beside_it_passes(season: Season, name: str):
    season.stories[name].check()


@pytest.mark.parametrize("name", [STORM])
def test_a_storm_that_hits_stable_as_well_does_not_undo_a_release(season: Season, name: str):
    season.stories[name].check()
