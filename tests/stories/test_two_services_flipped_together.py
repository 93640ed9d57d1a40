import re

import pytest

from town import NAMESPACE, PART_OF, Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=90)
BOTH = ("gateway", "gateway-admin")


def _two_services(town: Town) -> None:
    town.furnish_colours()
    town.cluster.service(NAMESPACE, "gateway-admin", {"app": "gateway", "colour": "blue"}, labels=PART_OF)


def _flip(town: Town, service: str, colour: str = "green") -> None:
    town.cluster.flip(NAMESPACE, service, {"app": "gateway", "colour": colour})


@pytest.mark.parametrize("apart", [0, 40])
def test_two_services_flipped_together_are_one_watch_and_one_remedy(apart: float) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        _flip(town, "gateway")
        await town.sleep(apart)
        _flip(town, "gateway-admin")
        record = await town.outcome("gateway")
        await town.sleep(600)

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert [town.colour(name) for name in BOTH] == ["blue", "blue"]
        assert sorted(town.acts()) == ["services/gateway", "services/gateway-admin"]
        assert len(town.records()) == 1
        assert town.told() == ["switch", "rolled-back", "recovered"]
        assert town.told("oncall") == ["rolled-back"]

    tell(story, _two_services, scrape_interval=15)


@pytest.mark.parametrize("order", [BOTH, BOTH[::-1]], ids=["as before", "the other first"])
@pytest.mark.parametrize("apart", [0, 20, 90])
def test_two_services_that_are_flipped_again_after_they_were_put_back_are_only_told_of(
    apart: float, order: tuple[str, str]
) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        for service in BOTH[::-1]:
            _flip(town, service)
        await town.until(lambda: len(town.acts()) == 2)
        await town.sleep(20)
        for service in order:
            _flip(town, service)
            await town.sleep(apart)
        await town.until(lambda: len(town.records()) > 1)
        await town.sleep(1500)

        first, *more = town.records()
        assert (first["outcome"], first["recovery"]) == ("rolled-back", "not-recovered")
        assert [record["outcome"] for record in more] == ["notified"] * len(more), [one["reason"] for one in more]
        assert all("brought back" in record["notify_only"] for record in more)
        assert [town.colour(name) for name in BOTH] == ["green", "green"]
        assert len(town.acts()) == 2

    tell(story, _two_services, scrape_interval=15)


def test_of_two_services_the_one_that_a_person_flipped_back_is_left_alone() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        for service in BOTH:
            _flip(town, service)
        await town.sleep(60)
        _flip(town, "gateway-admin", "blue")
        await town.phase("gateway", "recovering")

        assert [town.colour(name) for name in BOTH] == ["blue", "blue"]
        assert town.acts() == ["services/gateway"]

    tell(story, _two_services, scrape_interval=15)


def test_a_service_that_cannot_be_put_back_is_reported_and_the_other_one_is_back() -> None:
    async def story(town: Town) -> None:
        forbidden = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "not yours", "code": 403}
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        for service in BOTH:
            _flip(town, service)
        town.cluster.faults.answer(
            403, forbidden, method="PATCH", path=re.compile(r"/services/gateway-admin(?!.*dryRun)"), count=None
        )
        await town.phase("gateway", "recovering")
        await town.sleep(10)

        assert [town.colour(name) for name in BOTH] == ["blue", "green"]
        assert town.acts() == ["services/gateway"]
        notice = next(notice for notice, _ in town.channels["oncall"].told if notice.topic == "rolled-back")
        assert any("gateway-admin could not be put back" in line and "not yours" in line for line in notice.lines)

    tell(story, _two_services, scrape_interval=15)
