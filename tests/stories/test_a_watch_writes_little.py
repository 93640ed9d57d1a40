"""What a watch costs the API server over its whole life, good or bad."""

import pytest

from town import Town, tell
from watchdog.simulator.traffic import Course

NO_RECORDS = ("rollback-watchdog-targets-", "rollback-watchdog-acts", "rollback-watchdog-pause")


@pytest.mark.parametrize("errors", [0.004, 0.3], ids=["good", "bad"])
def test_a_watch_is_written_a_dozen_times_at_most(errors: float) -> None:
    async def story(town: Town) -> None:
        before = len(town.written())
        town.behaves("research:v2", errors=Course.constant(errors))
        town.deploy("research", "research:v2")
        await town.outcome("research")
        await town.sleep(60)
        written = town.written()[before:]
        of_record = [
            one for one in written if "/configmaps" in one.path and not any(no in one.path for no in NO_RECORDS)
        ]
        assert 2 <= len(of_record) <= 12
        assert len(written) <= 24

    tell(story)
