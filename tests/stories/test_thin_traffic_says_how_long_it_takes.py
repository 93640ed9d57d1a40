"""At 5 % of the traffic evidence comes slowly: people are told how slowly, before the bake is over."""

from dataclasses import replace

from town import GOOD, Town, tell
from watchdog.domain.account import decision_of
from watchdog.domain.time_left import time_left
from weights import HTTPROUTE


def _thin(town: Town, rate: float) -> None:
    for image in ("gateway:v1", "gateway:v2"):
        town.behaviours[image] = replace(GOOD, requests_per_second=rate)
    HTTPROUTE.furnish(town)


def test_page_explain_and_status_say_how_long_a_verdict_takes_at_the_rate_that_is_seen() -> None:
    async def story(town: Town) -> None:
        HTTPROUTE.weigh(town, 5)
        await town.sleep(100)
        HTTPROUTE.weigh(town, 10)  # a record is written with each step
        await town.until(lambda: town.records("gateway")[0].get("steps"))
        (record,) = town.records("gateway")
        line = next(one for one in record["outlook"] if one.startswith("error-rate"))
        rate = float(line.removeprefix("error-rate: at ").partition(" ")[0])
        assert 0.4 <= rate <= 1.6  # 5 % of 20 requests a second
        assert "a second a release with 10 % bad ones is proven after about" in line
        assert line in decision_of(record)
        assert record["outlook"][0] in time_left(record, town.clock.now()).sentence

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def test_where_the_bake_is_too_short_for_the_traffic_it_says_so_and_ends_inconclusive() -> None:
    async def story(town: Town) -> None:
        HTTPROUTE.weigh(town, 5)
        await town.sleep(240)
        HTTPROUTE.weigh(town, 4)
        await town.until(lambda: town.records("gateway")[0].get("steps"))
        (record,) = town.records("gateway")
        line = next(one for one in record["outlook"] if one.startswith("error-rate"))
        assert line.endswith(", and the bake is 10 min: give it more traffic, or a longer bake")
        assert (await town.outcome("gateway"))["outcome"] == "inconclusive"

    tell(story, lambda town: _thin(town, 0.6), rules=HTTPROUTE.rules)
