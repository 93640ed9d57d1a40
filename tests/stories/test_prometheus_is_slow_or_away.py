"""Back-pressure: intervals stretch, evidence waits, nothing is guessed, and Prometheus is spared."""

import pytest

from town import RULES, Town, tell
from watchdog.simulator.prometheus_faults import Delay, Hang, Status
from watchdog.simulator.traffic import Course

TIGHT = RULES.replace("[guards.services]\n", '[guards.services]\ninterval = "5s"\n')
BAD = {"errors": Course.step(0.004, 0.3, after=30)}


def test_answers_that_take_longer_than_the_interval_stretch_it_and_the_bad_release_is_found() -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(Delay(7.0))
        town.behaves("research:v2", **BAD)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        assert town.acts() == ["deployments/research"]
        assert town.metric("watchdog_queries_spared_total") == 0  # slow is not away

    tell(story, rules=TIGHT)


def test_a_good_release_passes_however_slowly_it_is_measured() -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(Delay(7.0))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        assert record["outcome"] == "passed", record["reason"]
        assert town.acts() == []

    tell(story, rules=TIGHT)


AWAYS = {"down": None, "503": Status.unavailable(), "hangs": Hang(), "beyond every deadline": Delay(30.0)}


async def away(town: Town, how: object, seconds: float) -> int:
    """Prometheus is away that long; returns how many questions it was asked in that time."""
    asked = town.metric("watchdog_query_seconds_count") or 0
    if how is None:
        await town.prometheus.go_down()
    else:
        town.prometheus.faults.until_cleared(how)  # type: ignore[arg-type]
    await town.sleep(seconds)
    asked = (town.metric("watchdog_query_seconds_count") or 0) - asked
    if how is None:
        await town.prometheus.come_back()
    town.prometheus.faults.clear()
    return int(asked)


@pytest.mark.parametrize("how", AWAYS.values(), ids=AWAYS.keys())
def test_a_prometheus_that_is_away_for_minutes_is_spared_and_the_bad_release_is_found_when_it_is_back(
    how: object,
) -> None:
    async def story(town: Town) -> None:
        await town.sleep(30)
        town.behaves("research:v2", **BAD)
        town.deploy("research", "research:v2")
        town.deploy("brand", "brand:v2")
        # Of a bake of ten minutes: half of it where nothing is scraped, else less, with what is under way at its end.
        seconds = 300 if how is None else 270
        asked = await away(town, how, seconds)
        assert town.metric("watchdog_prometheus_circuit_open") == 1
        # Five failures open it, with what was under way by then; from then on one probe each five seconds.
        assert asked <= 5 + 8 + seconds / 5
        assert (town.metric("watchdog_queries_spared_total") or 0) > asked
        assert town.acts() == []
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        good = await town.outcome("brand")
        # One that was down has not scraped either: what was not measured is not said to have passed.
        assert good["outcome"] == ("inconclusive" if how is None else "passed"), good["reason"]
        assert town.acts() == ["deployments/research"]
        assert town.metric("watchdog_prometheus_circuit_open") == 0

    tell(story, rules=TIGHT)


def test_the_missed_stretch_is_asked_for_by_explicit_times_once_it_is_back() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(60)
        await away(town, Status.unavailable(), 120)
        before, back = len(town.prometheus.requests), town.clock.now().timestamp()
        await town.sleep(40)
        record = await town.outcome("research")

        ranges = [
            (float(request.form["time"]), request.form["query"])
            for request in town.prometheus.requests[before:]
            if "http_requests_total" in request.form["query"] and "[" in request.form["query"]
        ]
        # Raw samples up to a block's end, over a window that reaches back before Prometheus went away.
        reaches = [at - int(query.rpartition("[")[2].partition("ms]")[0]) / 1000 for at, query in ranges]
        assert any(at <= back + 30 and since <= back - 120 for (at, _), since in zip(ranges, reaches, strict=True)), (
            ranges,
            back,
        )
        assert record["outcome"] == "passed", record["reason"]

    tell(story, rules=TIGHT)
