"""Templates meet the notices of a real release: what they name is there, and says what the record says."""

from town import Town, tell
from watchdog.domain.channels import Template
from watchdog.simulator.traffic import Course
from watchdog.templating import Wording, values_of

FAILING = Course.step(0.004, 0.3, after=60)
OF_A_BREACH = ("rule", "value", "limit", "why", "requests", "query")
OF_A_WATCH = ("target", "namespace", "kind", "name", "guard", "watch", "candidate", "stable", "switched", "phase", "at")


def test_every_notice_of_a_rollback_can_be_told_in_other_words() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        await town.until(lambda: len(town.told("releases")) == 3)

        words = Wording(Template("{{ name }} {{ topic }} {{ rule }} {{ value }} > {{ limit }}", "{{ body }}"))
        switch, rolled_back, recovered = [notice for notice, _ in town.channels["releases"].told]
        assert [name for name in OF_A_WATCH if not values_of(switch)[name]] == []
        assert [name for name in (*OF_A_WATCH, *OF_A_BREACH) if not values_of(rolled_back)[name]] == []
        told = words.of(rolled_back)
        assert told.title.startswith("research rolled-back error-rate ")
        assert told.title.endswith(" > 5 %")
        assert told.lines == rolled_back.lines
        assert values_of(recovered)["recovery"] == record["recovery"] == "recovered"
        assert values_of(rolled_back)["switched"] == record["switched_at"]
        assert values_of(rolled_back)["watch"] == record["watch"]

    tell(story, scrape_interval=15)
