"""A Prometheus that answers late, or refuses what is large: it is asked otherwise, and a bad release is found."""

import re
from collections.abc import Callable

import httpx
import pytest

from town import Town, tell
from watchdog.simulator.prometheus_faults import Delay, Status
from watchdog.simulator.traffic import Course

BAD = {"errors": Course.step(0.004, 0.2, after=20)}
BESIDE = ("brand", "content", "agent")
# Of a fastapi pod's buckets, scraped each 5 s.
SERIES, EVERY = 22, 5.0
MOST_SAMPLES = 5000
LONGEST = 60  # characters of the expression of pods: one revision's has some 30


def pods_in(query: str) -> str:
    """What a question says of pods: the names that it asks about, or expressions of two each."""
    pods = re.search(r'pod=~"([^"]*)"', query)
    return pods[1] if pods is not None else ""


def samples(query: str) -> float:
    """About how many samples a question loads."""
    window = re.search(r"\[(\d+)ms\]", query)
    seconds = int(window[1]) / 1000 if window else 0.0
    return SERIES * sum(2 if "[a-z0-9]+" in one else 1 for one in pods_in(query).split("|")) * seconds / EVERY


def too_many_samples(query: str) -> bool:
    return "_bucket" in query and samples(query) > MOST_SAMPLES


def too_long(query: str) -> bool:
    return len(pods_in(query)) > LONGEST


def furnished(town: Town) -> None:
    town.furnish("research", *BESIDE)


async def found(town: Town, how: str) -> None:
    """A 20 % fault among good releases at the same moment is undone, and what is done otherwise is said."""
    town.behaves("research:v2", **BAD)
    for name in ("research", *BESIDE):
        town.deploy(name, f"{name}:v2")
    record = await town.outcome("research")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    assert town.acts() == ["deployments/research"]
    assert town.metric("watchdog_prometheus_eased", how=how) == 1
    assert town.watchdog is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        page = (await client.get(f"{town.watchdog.url}/")).text
    assert "Prometheus is spared" in page


def test_one_that_answers_in_ten_seconds_is_waited_for() -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(Delay(10.0))
        await found(town, "deadline")

    tell(story, furnish=furnished)


@pytest.mark.parametrize(
    ("refused", "how", "words"),
    [
        (too_long, "batch", "regular expression is too long"),
        (too_many_samples, "stretch", "query processing would load too many samples into memory in query execution"),
    ],
    ids=["long expressions", "5,000 samples"],
)
def test_one_that_refuses_what_is_large_is_asked_for_less_at_once(
    refused: Callable[[str], bool], how: str, words: str
) -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(Status.unprocessable(words), only=refused)
        await found(town, how)
        # It has learnt: what is asked now is not refused any more.
        failed = town.metric("watchdog_query_failures_total", reason="refused")
        await town.sleep(60)
        assert town.metric("watchdog_query_failures_total", reason="refused") == failed

    tell(story, furnish=furnished)


def test_what_it_could_not_bear_is_tried_again_when_it_has_recovered() -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(Status.unprocessable("too long"), only=too_long)
        for name in BESIDE:
            town.deploy(name, f"{name}:v2")
        await town.until(lambda: town.metric("watchdog_prometheus_eased", how="batch") == 1)
        town.prometheus.faults.clear()
        await town.sleep(300)
        for name in BESIDE:
            town.deploy(name, f"{name}:v3")
        await town.until(lambda: town.metric("watchdog_prometheus_eased", how="batch") == 0)

    tell(story, furnish=furnished)
