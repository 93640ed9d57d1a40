"""Someone freezes all acts for a while: the watchdog goes on watching, holds what breaches, and says so."""

import re

import pytest

from town import OWN, Town, tell
from watchdog.adapters.kubernetes.braking import PAUSE
from watchdog.simulator.traffic import Course


def pause(town: Town, until: str) -> None:
    data = {"reason": "the database moves", "by": "ada", "since": "2026-03-02T03:00:00+00:00", "until": until}
    town.cluster.create("configmaps", OWN, {"metadata": {"name": PAUSE}, "data": data})


@pytest.mark.parametrize("lifted", [True, False], ids=["lifted by hand", "over by itself"])
def test_a_bad_release_is_held_while_acts_are_paused_and_undone_after_that(lifted: bool) -> None:
    async def story(town: Town) -> None:
        pause(town, "2026-03-02T09:00:00+00:00" if lifted else "2026-03-02T03:05:00+00:00")
        town.behaves("research:v2", errors=Course.constant(0.5))
        town.deploy("research", "research:v2")
        record = await town.phase("research", "holding")
        assert "paused" in record["reason"]
        assert "by ada: the database moves" in record["reason"]
        assert town.told("oncall") == ["held"]
        await town.sleep(60)
        assert town.acts() == []

        if lifted:
            town.cluster.delete("configmaps", OWN, PAUSE)
        record = await town.outcome("research")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]

    tell(story)


def test_a_pause_that_cannot_be_read_lets_nothing_act_and_is_paged() -> None:
    async def story(town: Town) -> None:
        town.cluster.faults.answer(403, path=re.compile(f"/configmaps/{PAUSE}$"), count=None)
        town.behaves("research:v2", errors=Course.constant(0.5))
        town.deploy("research", "research:v2")
        record = await town.phase("research", "holding")
        assert "cannot be read" in record["reason"]
        assert town.told("oncall") == ["held"]
        await town.sleep(60)
        assert town.acts() == []

    tell(story)
