"""Grafana is annotated once for each watch, also where it was away and the watchdog was killed meanwhile."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from adapters.notifiers.grafana import TOKEN, StandInGrafana, a_grafana
from fake_channel import FakeChannel
from town import Town, tell
from watchdog.adapters.notifiers import GrafanaNotifier
from watchdog.domain.channels import ANNOTATED_TOPICS
from watchdog.domain.effects import Notice
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)


@dataclass
class Graphs(FakeChannel):
    """A channel that is a Grafana, as soon as there is one."""

    grafana: GrafanaNotifier | None = None

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        assert self.grafana is not None
        await self.grafana.send(notice, possible_repeat=possible_repeat)
        self.told.append((notice, possible_repeat))


def furnish(town: Town) -> None:
    town.furnish("research", "brand")
    town.channels["releases"] = Graphs("releases", ANNOTATED_TOPICS)


def open_grafana(town: Town, grafana: StandInGrafana) -> Graphs:
    channel = town.channels["releases"]
    assert isinstance(channel, Graphs)
    channel.grafana = GrafanaNotifier("releases", grafana.url, TOKEN, town.clock, dashboards=("shop",))
    return channel


async def exemplars(town: Town) -> list[dict[str, str]]:
    """What the counts of rollbacks are told to be about, to whoever asks as Prometheus does."""
    assert town.watchdog is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
        text = (await client.get(f"{town.watchdog.url}/metrics", headers=accept)).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return [dict(sample.exemplar.labels) for sample in samples if sample.exemplar is not None]


def milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def test_a_rolled_back_release_is_one_region_from_its_switch_to_its_recovery() -> None:
    async def story(town: Town) -> None:
        async with a_grafana() as grafana:
            channel = open_grafana(town, grafana)
            town.behaves("research:v2", errors=FAILING)
            town.deploy("research", "research:v2")
            record = await town.outcome("research")
            await town.until(lambda: len(town.told("releases")) == 3)
            assert channel.grafana is not None
            await channel.grafana.close()
            (region,) = grafana.kept
        assert await exemplars(town) == [{"watch": record["watch"]}]
        recovered = channel.told[-1][0]
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert (region["dashboardUID"], region["time"]) == ("shop", milliseconds(record["switched_at"]))
        assert region["timeEnd"] == int(recovered.at.timestamp() * 1000)
        assert {f"watch:{record['watch']}", "outcome:recovered", "guard:services"} <= set(region["tags"])

    tell(story, furnish, scrape_interval=15)


def test_a_grafana_that_was_away_while_the_watchdog_was_killed_delays_nothing_and_gets_one_region() -> None:
    async def story(town: Town) -> None:
        async with a_grafana() as grafana:
            channel = open_grafana(town, grafana)
            grafana.port, port = 1, grafana.port  # nobody listens there
            channel = open_grafana(town, grafana)
            town.behaves("research:v2", errors=FAILING)
            town.deploy("research", "research:v2")
            record = await town.phase("research", "recovering")
            acted = datetime.fromisoformat(record["acted_at"]) - datetime.fromisoformat(record["switched_at"])
            assert acted < timedelta(minutes=5)
            assert town.told("oncall") == ["rolled-back"]
            await town.kill()
            grafana.port = port
            channel = open_grafana(town, grafana)
            grafana.forgets_to_answer = True
            await town.start()
            await town.outcome("research")
            await town.until(lambda: len(town.told("releases")) == 3)
            assert channel.grafana is not None
            await channel.grafana.close()
            (region,) = grafana.kept
        assert (region["time"], "outcome:recovered" in region["tags"]) == (milliseconds(record["switched_at"]), True)
        assert town.acts() == ["deployments/research"]

    tell(story, furnish, scrape_interval=15)
