"""The soak in its short form, one seed: the long one is `make soak`, its mutants are `make soak-mutants`."""

from dataclasses import replace

import pytest

from soak.mutants import MUTANTS, caught
from soak.soaking import soak
from soak.world import Wear

SHORT = replace(Wear(), rollouts=5, flips=1, rest=(5.0, 10.0), kill_every=90.0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [7, 11])
def test_under_faults_and_kills_nothing_is_done_twice_wrongly_or_untold(seed: int) -> None:
    report = soak(seed, SHORT, switches=24)
    assert report.lines == []
    assert report.acts >= 5
    assert report.kills >= 3
    assert sum(report.faults.values()) >= 20


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["no intent before the write", "no resourceVersion on the write"])
def test_without_a_guard_the_same_soak_fails(name: str) -> None:
    mutant = MUTANTS[name]
    assert mutant.caught_by & set(caught(mutant, 1))
