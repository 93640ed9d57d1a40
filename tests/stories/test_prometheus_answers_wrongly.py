import pytest

from town import Town, tell
from watchdog.simulator.prometheus_faults import Empty, Fault, Hang, NotANumber, Reset, Status, Warned
from watchdog.simulator.traffic import Course

FAULTS = {
    "NaN": NotANumber(),
    "an empty answer": Empty(),
    "a 422": Status.unprocessable(),
    "a 503": Status.unavailable(),
    "an HTML page": Status.bad_gateway(),
    "an HTML page with status 200": Status(200, "<html><body>Please log in</body></html>"),
    "a hang": Hang(),
    "a reset": Reset(),
    "a partial answer": Warned(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_prometheus_that_answers_wrongly_acts_on_nothing_and_the_fault_is_caught_after_it(fault: Fault) -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(fault)
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        await town.sleep(300)
        assert town.acts() == []
        assert town.told() == ["switch"]
        town.prometheus.faults.clear()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["error-rate"]["finding"] == "breach"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_good_release_is_never_undone_by_what_prometheus_says_wrongly(fault: Fault) -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(120)
        town.prometheus.faults.until_cleared(fault)
        await town.sleep(120)
        town.prometheus.faults.clear()
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.acts() == []

    tell(story, scrape_interval=15)
