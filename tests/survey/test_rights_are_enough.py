"""The table of rights is what the daemon needs: with these and no other it does its whole job."""

from survey.test_coverage_and_rights import granted
from town import Town, tell
from watchdog.simulator.traffic import Course


def test_with_the_rights_of_the_table_and_no_other_a_bad_release_is_undone() -> None:
    async def story(here: Town) -> None:
        here.cluster.token = here.cluster.user("watchdog", granted())
        here.behaves("research:bad", errors=Course.constant(0.5))
        await here.start()
        here.deploy("research", "research:bad")
        watch = await here.outcome("research")
        assert (watch["outcome"], watch["recovery"]) == ("rolled-back", "recovered")
        refused = [one for one in here.cluster.requests if one.code == 403]
        assert refused == []

    tell(story, start=False)
