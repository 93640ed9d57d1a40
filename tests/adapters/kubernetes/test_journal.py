"""Records and memories survive in ConfigMaps, are bounded, and are never lost to a hiccup."""

import asyncio
import random
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.kubernetes.building import BRAND, GATEWAY, a_client, a_cluster, passes
from watchdog.adapters.kubernetes.documents import record_name
from watchdog.adapters.kubernetes.journal import LARGEST, ConfigMapJournal
from watchdog.domain.rollout import Target, TargetKind
from watchdog.ports import Document, OutOfReach, TooLarge, in_full
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster

OWN = "rollback-watchdog"


@asynccontextmanager
async def a_journal(cluster: SimulatedCluster, kept: int = 200, token: str = "") -> AsyncIterator[ConfigMapJournal]:
    if cluster.find("namespaces", "", OWN) is None:
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
    async with a_client(cluster, token, deadline=2.0) as client:
        clock = SimulatedClock(cluster.now())
        yield ConfigMapJournal(client, OWN, clock=clock, rng=random.Random(1), records_kept=kept)


def records_of(cluster: SimulatedCluster) -> set[str]:
    return {
        one["metadata"]["name"]
        for one in cluster.list("configmaps", OWN)
        if (one["metadata"].get("labels") or {}).get("rollback-watchdog.dev/record") == "watch"
    }


def test_a_record_is_written_replaced_and_read_by_another_process() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            async with a_journal(cluster) as journal:
                await journal.write("w-1", {"schema": 1, "phase": "baking"}, open_watch=True)
                await journal.write("w-1", {"schema": 1, "phase": "acting"}, open_watch=True)
                assert [one.method for one in cluster.writes()] == ["POST", "PUT"]
            async with a_journal(cluster) as journal:
                assert list(await journal.records(in_full)) == [{"schema": 1, "phase": "acting"}]
                await journal.write("w-1", {"schema": 1, "phase": "ended"}, open_watch=False)
                assert list(await journal.records(in_full)) == [{"schema": 1, "phase": "ended"}]
            record = cluster.get("configmaps", OWN, "rollback-watchdog-w-1")
            assert record["metadata"]["labels"] == {
                "rollback-watchdog.dev/record": "watch",
                "rollback-watchdog.dev/open": "false",
            }
            assert set(record["data"]) == {"record.json"}

    run_simulated(main())


def test_records_come_newest_first_and_unknown_schemas_as_they_are() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as journal:
            for number in range(3):
                await journal.write(f"w-{number}", {"schema": 99, "number": number}, open_watch=False)
                await passes(2)
            assert [one["number"] for one in await journal.records(in_full)] == [2, 1, 0]
            broken = {"metadata": {"name": "broken", "labels": {"rollback-watchdog.dev/record": "watch"}}}
            cluster.create("configmaps", OWN, {**broken, "data": {"record.json": "{"}})
            assert len(await journal.records(in_full)) == 3
            assert cluster.get("configmaps", OWN, "broken")["data"] == {"record.json": "{"}

    run_simulated(main())


class Record(dict[str, Any]):
    """A record of which can be told whether it is there still."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def test_of_many_records_what_is_kept_of_one_is_all_that_stays_when_the_next_is_read() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster, kept=100) as journal:
            for number in range(50):
                await journal.write(f"w-{number:02d}", {"schema": 99, "number": number}, open_watch=True)
            read: weakref.WeakSet[Record] = weakref.WeakSet()
            most = 0

            def decoded(one: dict[str, Any]) -> Record:
                nonlocal most
                record = Record(number=int(one["metadata"]["name"].rpartition("-")[2]))
                read.add(record)
                most = max(most, len(read))
                return record

            def kept(one: Document) -> Document | None:
                return {"number": one["number"]} if one["number"] % 10 == 0 else None

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("watchdog.adapters.kubernetes.journal.document_in", decoded)
                found = await journal.records(kept)
            assert sorted(one["number"] for one in found) == [0, 10, 20, 30, 40]
            assert most <= 2
            limits = [one.query["limit"] for one in cluster.requests if one.method == "GET" and "limit" in one.query]
            assert limits == ["20", "20", "20"], "a page is decoded in one go"

    run_simulated(main())


def test_others_have_a_turn_between_any_two_records_that_are_read() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster, kept=100) as journal:
            for number in range(30):
                await journal.write(f"w-{number}", {"schema": 99, "number": number}, open_watch=True)
            seen: list[int] = []
            read = 0

            def decoded(one: dict[str, Any]) -> dict[str, Any]:
                nonlocal read
                read += 1
                return dict(one["metadata"])

            async def other() -> None:
                while True:
                    seen.append(read)
                    await SimulatedClock(cluster.now()).sleep(0)

            task = asyncio.create_task(other())
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("watchdog.adapters.kubernetes.journal.document_in", decoded)
                assert len(await journal.records(in_full)) == 30
            task.cancel()
            assert set(range(1, 30)) <= set(seen)

    run_simulated(main())


def test_ended_records_beyond_the_number_kept_go_oldest_first_and_open_ones_never() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster, kept=3) as journal:
            await journal.write("open", {"schema": 1}, open_watch=True)
            for number in range(6):
                await passes(2)
                await journal.write(f"w-{number}", {"schema": 1}, open_watch=False)
            names = {"open", "w-3", "w-4", "w-5"}
            assert records_of(cluster) == {f"rollback-watchdog-{name}" for name in names}

    run_simulated(main())


def test_a_record_over_the_bound_is_refused_with_its_size() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as journal:
            await journal.write("w-1", {"text": "x" * (LARGEST - 20)}, open_watch=True)
            with pytest.raises(TooLarge, match=r"watch w-1 has \d+ bytes; at most 262144"):
                await journal.write("w-1", {"text": "ü" * (LARGEST // 2)}, open_watch=True)

    run_simulated(main())


@pytest.mark.parametrize("fault", ["reset", "lose_answer", "unavailable", "truncate"])
def test_a_hiccup_is_sat_out_and_writes_once(fault: str) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as journal:
            match fault:
                case "reset":
                    cluster.faults.reset(method="POST")
                case "lose_answer":
                    cluster.faults.lose_answer(method="POST")
                case "truncate":
                    cluster.faults.truncate(method="POST")
                case "unavailable":
                    cluster.faults.answer(503, method="POST")
            await journal.write("w-1", {"schema": 1}, open_watch=True)
            assert list(await journal.records(in_full)) == [{"schema": 1}]

    run_simulated(main())


def test_memories_that_come_while_one_is_written_go_in_one_write() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as journal:
            await journal.remember(GATEWAY, {"n": 0})
            before = len(cluster.writes())
            targets = [Target("shop", TargetKind.DEPLOYMENT, f"app-{n}") for n in range(20)]
            await asyncio.gather(*(journal.remember(one, {"n": n}) for n, one in enumerate(targets)))
            assert len(cluster.writes()) - before == 2  # the first goes at once, the others meanwhile
            assert await journal.memories() == {GATEWAY: {"n": 0}, **{one: {"n": n} for n, one in enumerate(targets)}}

    run_simulated(main())


def test_memories_of_one_write_that_failed_are_told_so_and_forgotten() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as journal:
            await journal.remember(GATEWAY, {"n": 0})
            fault = cluster.faults.answer(503, count=None)
            answers = await asyncio.gather(
                journal.remember(GATEWAY, {"n": 1}), journal.remember(BRAND, {"n": 1}), return_exceptions=True
            )
            assert [type(one) for one in answers] == [OutOfReach, OutOfReach]
            fault.remove()
            other = Target("shop", TargetKind.DEPLOYMENT, "other")
            await journal.remember(other, {"n": 2})
            assert await journal.memories() == {GATEWAY: {"n": 0}, other: {"n": 2}}

    run_simulated(main())


def test_a_longer_outage_is_out_of_reach_after_a_few_tries() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as journal:
            fault = cluster.faults.answer(503, count=None)
            for attempt in (
                journal.write("w-1", {}, open_watch=True),
                journal.remember(GATEWAY, {}),
                journal.records(in_full),
                journal.memories(),
            ):
                with pytest.raises(OutOfReach):
                    await attempt
            assert fault.hits == 3 + 3 + 1 + 1

    run_simulated(main())


def test_what_may_not_be_written_is_out_of_reach_and_says_why() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            token = cluster.user("watchdog", [Rule(["get", "list"], ["configmaps"])])
            async with a_journal(cluster, token=token) as journal:
                with pytest.raises(OutOfReach, match=r"writing the record of watch w-1: 403 Forbidden.*cannot create"):
                    await journal.write("w-1", {}, open_watch=True)

    run_simulated(main())


def test_memories_are_one_key_a_target_and_do_not_disturb_each_other() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as one, a_journal(cluster) as other:
            dotted = Target.parse("shop/deployment/v1.gateway")
            elsewhere = Target.parse("staging/deployment/gateway")
            await one.remember(GATEWAY, {"stable": "a"})
            await other.remember(BRAND, {"stable": "b"})
            await one.remember(dotted, {"stable": "c"})
            await other.remember(elsewhere, {"stable": "d"})
            await one.remember(GATEWAY, {"stable": "e"})
            assert await other.memories() == {
                GATEWAY: {"stable": "e"},
                BRAND: {"stable": "b"},
                dotted: {"stable": "c"},
                elsewhere: {"stable": "d"},
            }
            kept = cluster.get("configmaps", OWN, "rollback-watchdog-targets-shop")
            assert set(kept["data"]) == {"deployment.gateway", "service.brand", "deployment.v1.gateway"}

    run_simulated(main())


def test_two_first_memories_at_once_are_both_kept() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as one, a_journal(cluster) as other:

            async def meanwhile(attempt: Any) -> None:
                if attempt.user != "kubernetes-admin" or attempt.verb != "create":
                    return
                end()
                await other.remember(BRAND, {"stable": "b"})

            end = cluster.before_write(meanwhile)
            await one.remember(GATEWAY, {"stable": "a"})
            assert await one.memories() == {GATEWAY: {"stable": "a"}, BRAND: {"stable": "b"}}

    run_simulated(main())


def test_names_of_records_are_names_and_differ_where_ids_do() -> None:
    assert record_name("gateway-20260101t120000z") == "rollback-watchdog-gateway-20260101t120000z"
    odd = {record_name(name) for name in ("A/b", "a/b", "a-b", "ä" * 400, "ä" * 401, "")}
    assert len(odd) == 6
    assert all(len(name) <= 253 and name == name.lower() and "/" not in name for name in odd)
