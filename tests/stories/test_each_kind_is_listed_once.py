"""A list is the dearest question there is: one for each kind and namespace, unless somebody else has led meanwhile."""

import re
from collections import Counter
from collections.abc import Iterable

from crews import PLACES, Crew, tell_of_shards
from replicas import Pair, Replica, tell_of_two
from town import NAMESPACE, Town, tell
from watchdog.adapters.kubernetes.kinds import READ
from watchdog.domain.rollout import USUAL
from watchdog.simulator.calls import LoggedRequest
from watchdog.simulator.traffic import Course

LEASES = re.compile("/leases/")
TAKEOVER = 15.0
KINDS = {resource.plural for kind in USUAL for resource in READ[kind]}
ONCE = Counter(KINDS)
NEVER: Counter[str] = Counter()


def listed(requests: Iterable[LoggedRequest], namespace: str = NAMESPACE, user: str | None = None) -> Counter[str]:
    """How often each kind was listed whole there; a list's later pages do not count."""
    return _counted(requests, namespace, user, watched=False)


def watched(requests: Iterable[LoggedRequest], namespace: str = NAMESPACE, user: str | None = None) -> Counter[str]:
    """How many watches of each kind were opened there."""
    return _counted(requests, namespace, user, watched=True)


def _counted(requests: Iterable[LoggedRequest], namespace: str, user: str | None, *, watched: bool) -> Counter[str]:
    return Counter(
        one.path.rpartition("/")[2]
        for one in requests
        if one.method == "GET"
        and one.path.endswith(tuple(f"/namespaces/{namespace}/{kind}" for kind in KINDS))
        and ("watch" in one.query) == watched
        and not {"continue", "labelSelector"} & one.query.keys()
        and user in (None, one.user)
    )


def test_a_leader_lists_each_kind_once_from_its_start_and_opens_one_watch() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        assert listed(town.cluster.requests) == ONCE
        assert watched(town.cluster.requests) == ONCE

    tell(story)


def test_who_lost_its_lease_to_nobody_and_leads_again_lists_nothing_and_asks_its_streams_for_what_they_missed() -> None:
    async def story(town: Town) -> None:
        await town.sleep(60)
        before = len(town.cluster.requests)
        fault = town.cluster.faults.hang(path=LEASES, count=None)
        await town.sleep(10)
        assert town.watchdog is not None
        assert town.watchdog.supervisor is None  # it leads no more
        for stream in town.cluster.watches():
            stream.silence()  # and its streams have died without a word
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        fault.remove()
        record = await town.outcome("research")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        since = town.cluster.requests[before:]
        assert listed(since) == NEVER
        assert set(watched(since)) == KINDS

    tell(story)


def test_a_standby_that_follows_another_lists_once_more() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        requests = both.town.cluster.requests
        assert listed(requests, user="one") == listed(requests, user="two") == ONCE
        await one.kill()
        await both.until(lambda: two.works, TAKEOVER)
        await both.passes(30)
        assert listed(requests, user="two") == Counter(2 * list(KINDS))
        assert watched(requests, user="two") == Counter(2 * list(KINDS))

    tell_of_two(story)


def test_who_leads_again_after_another_lists_once_more() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        fault = one.cut_off("reset")
        await both.until(lambda: two.works, TAKEOVER)
        fault.remove()
        await both.until(lambda: one.stands_by, TAKEOVER)
        await both.passes(60)
        before = len(both.town.cluster.requests)
        await two.kill()
        await both.until(lambda: one.works, TAKEOVER)
        await both.passes(30)
        assert listed(both.town.cluster.requests[before:], user="one") == ONCE

    tell_of_two(story)


def test_with_shards_each_process_lists_once_and_again_only_what_another_one_led() -> None:
    async def story(crew: Crew) -> None:
        alone: Replica = await crew.join("one", 3)
        await crew.settled(3)
        await crew.passes(20)
        requests = crew.town.cluster.requests
        for place in PLACES:
            assert listed(requests, place) == watched(requests, place) == ONCE, place
        second = await crew.join("two", 3)
        await crew.until(lambda: second.leads, 60)
        await crew.passes(20)
        assert len(alone.leads) == 2
        for place in PLACES:
            taken = crew.leader_of(place) is second
            assert listed(requests, place, "two") == (Counter(2 * list(KINDS)) if taken else ONCE), place
            assert listed(requests, place, "one") == ONCE, place

    tell_of_shards(story)
