"""The pause and the acts of late, in ConfigMaps that every process reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from adapters.kubernetes.building import a_client, a_cluster
from watchdog.adapters.kubernetes.braking import ACTS, PAUSE, ConfigMapBraking
from watchdog.domain.brakes import Act, Pause
from watchdog.domain.rollout import Target
from watchdog.ports import OutOfReach
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster

OWN = "watchdog"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def an_act(number: int, minutes: float = 0) -> Act:
    target = Target.parse(f"production/deployment/service-{number}")
    return Act(f"watch-{number}", target, NOON + timedelta(minutes=minutes))


@asynccontextmanager
async def braking(cluster: SimulatedCluster, token: str = "") -> AsyncIterator[ConfigMapBraking]:
    if cluster.find("namespaces", "", OWN) is None:
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
    async with a_client(cluster, token, deadline=2.0) as client:
        yield ConfigMapBraking(client, OWN)


def test_a_pause_is_declared_read_replaced_and_lifted() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            assert await brakes.pause() is None
            pause = Pause("migration", "ada", NOON, NOON + HOUR)
            await brakes.declare(pause)
            assert await brakes.pause() == pause
            await brakes.declare(Pause("longer", "bob", NOON, None))
            assert await brakes.pause() == Pause("longer", "bob", NOON, None)
            assert await brakes.lift()
            assert await brakes.pause() is None
            assert not await brakes.lift()

    run_simulated(main())


@pytest.mark.parametrize("data", [None, {}, {"until": "tomorrow"}, {"reason": ""}])
def test_a_pause_that_somebody_wrote_by_hand_holds_without_an_end(data: dict[str, str] | None) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            body = {"metadata": {"name": PAUSE}} | ({"data": data} if data is not None else {})
            cluster.create("configmaps", OWN, body)
            pause = await brakes.pause()
            assert pause is not None
            assert pause.until is None
            assert pause.holds(NOON)
            assert "no reason given" in pause.sentence

    run_simulated(main())


def test_many_that_begin_at_once_in_several_processes_are_let_through_one_by_one() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as one, braking(cluster) as other:
            answers = await asyncio.gather(
                *(
                    brakes.begin(an_act(10 * n + number), lambda acts: len(acts) < 3, HOUR)
                    for number, brakes in enumerate((one, other))
                    for n in range(2)
                )
            )
            assert sum(answers) == 3
            assert len(await one.acts()) == 3

    run_simulated(main())


def test_many_that_begin_at_once_in_one_process_are_one_write_and_each_is_judged_with_those_before_it() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            few = [brakes.begin(an_act(number), lambda acts: len(acts) < 7, HOUR) for number in range(20)]
            assert (await asyncio.gather(*few)).count(True) == 7
            assert len(await brakes.acts()) == 7
            # The first goes alone; all that came meanwhile follow together.
            assert len(cluster.writes()) == 2

    run_simulated(main())


def test_where_the_list_cannot_be_written_each_that_waits_is_told_and_may_try_again() -> None:
    async def main() -> None:
        readers = [Rule(["get"], ["configmaps"])]
        async with a_cluster() as cluster, braking(cluster, cluster.user("reader", readers)) as brakes:
            several = [brakes.begin(an_act(number), lambda _acts: True, HOUR) for number in range(5)]
            failed = await asyncio.gather(*several, return_exceptions=True)
            assert all(isinstance(one, OutOfReach) for one in failed)
            assert cluster.find("configmaps", OWN, ACTS) is None

    run_simulated(main())


def test_one_that_is_given_up_while_it_waits_is_not_put_on_the_list_and_keeps_no_other_waiting() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            tasks = [asyncio.create_task(brakes.begin(an_act(n), lambda _acts: True, HOUR)) for n in range(4)]
            await asyncio.sleep(0)  # noqa: TID251 - a turn for each to begin
            tasks[0].cancel()  # it is the one that writes
            tasks[2].cancel()
            assert await asyncio.gather(tasks[1], tasks[3]) == [True, True]
            begun = {act.watch for act in await brakes.acts()}
            assert {"watch-1", "watch-3"} <= begun
            assert "watch-2" not in begun

    run_simulated(main())


def test_a_watch_that_begins_again_is_on_the_list_once() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            assert await brakes.begin(an_act(1), lambda acts: not acts, HOUR)
            assert await brakes.begin(an_act(1, minutes=1), lambda acts: not acts, HOUR)
            assert not await brakes.begin(an_act(2, minutes=1), lambda acts: not acts, HOUR)
            assert await brakes.acts() == [an_act(1)]

    run_simulated(main())


def test_old_acts_are_forgotten() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            await brakes.begin(an_act(1), lambda _: True, HOUR)
            await brakes.begin(an_act(2, minutes=61), lambda acts: not acts, HOUR)
            assert await brakes.acts() == [an_act(2, minutes=61)]

    run_simulated(main())


def test_one_watch_pages_until_the_window_is_over() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            window = timedelta(minutes=10)
            assert await brakes.page("a", NOON, window)
            assert not await brakes.page("b", NOON + timedelta(minutes=1), window)
            assert await brakes.page("a", NOON + timedelta(minutes=2), window)
            assert await brakes.page("b", NOON + timedelta(minutes=10), window)
            await brakes.begin(an_act(1), lambda _: True, HOUR)
            assert not await brakes.page("a", NOON + timedelta(minutes=11), window)

    run_simulated(main())


@pytest.mark.parametrize(
    "text", ["", "[", "{}", '[{"watch": 1}]', '[{"watch": "a", "target": "x", "at": "y"}]', "null"]
)
def test_a_list_that_somebody_broke_stops_nothing(text: str) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, braking(cluster) as brakes:
            data = {"acts.json": text, "paged.json": text}
            cluster.create("configmaps", OWN, {"metadata": {"name": ACTS}, "data": data})
            assert await brakes.acts() == []
            assert await brakes.page("a", NOON, HOUR)
            assert await brakes.begin(an_act(1), lambda acts: not acts, HOUR)
            assert await brakes.acts() == [an_act(1)]

    run_simulated(main())


def test_what_may_not_be_read_is_out_of_reach() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            token = cluster.user("reader", [Rule(("get",), ("pods",))])
            async with braking(cluster, token) as brakes:
                with pytest.raises(OutOfReach, match="reading the pause"):
                    await brakes.pause()
                with pytest.raises(OutOfReach, match="putting the act on the list"):
                    await brakes.begin(an_act(1), lambda _: True, HOUR)

    run_simulated(main())
