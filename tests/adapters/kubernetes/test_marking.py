"""A person's mark stands beside the record: whoever writes the record leaves it, whoever reads gets both."""

import json
import random
from typing import Any

import pytest

from adapters.kubernetes.building import a_client, a_cluster
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.marking import NotMarked, put_mark
from watchdog.adapters.kubernetes.records import RecordsReader
from watchdog.domain.marks import Mark, Marking, mark_of
from watchdog.ports import OutOfReach, in_full
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster

OWN = "rollback-watchdog"
NAME = "rollback-watchdog-w-1"
ENDED: dict[str, Any] = {"schema": 1, "watch": "w-1", "outcome": "held", "phase": "held"}


def a_journal(cluster: SimulatedCluster, client: Any, series: str = "") -> ConfigMapJournal:
    return ConfigMapJournal(client, OWN, clock=SimulatedClock(cluster.now()), rng=random.Random(1), series=series)


def prepare(cluster: SimulatedCluster) -> Mark:
    cluster.create("namespaces", "", {"metadata": {"name": OWN}})
    return Mark(Marking.FALSE_ALARM, "ana", "a load test", cluster.now())


def fine(_: object) -> str:
    return ""


def test_the_leader_that_writes_the_record_again_keeps_the_mark_that_was_put_there_meanwhile() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            mark = prepare(cluster)
            journal = a_journal(cluster, client)
            await journal.write("w-1", ENDED, open_watch=True)
            assert await put_mark(client, OWN, "w-1", mark, fine)
            # It knows the version before the mark: the write meets a conflict, reads, and is made again.
            await journal.write("w-1", {**ENDED, "reason": "told"}, open_watch=True)
            await journal.write("w-1", {**ENDED, "reason": "told again"}, open_watch=False)
            # And whoever knows no version at all, as after a restart.
            await a_journal(cluster, client).write("w-1", {**ENDED, "reason": "at last"}, open_watch=False)
            [record] = await a_journal(cluster, client).records(in_full)
            assert record["reason"] == "at last"
            assert mark_of(record) == mark
            kept = cluster.get("configmaps", OWN, NAME)
            assert kept["metadata"]["labels"]["rollback-watchdog.dev/mark"] == "false-alarm"
            assert kept["metadata"]["labels"]["rollback-watchdog.dev/open"] == "false"
            assert "mark" not in json.loads(kept["data"]["record.json"])

    run_simulated(main())


def test_a_mark_that_was_taken_back_does_not_come_back_with_the_next_write() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            mark = prepare(cluster)
            journal = a_journal(cluster, client)
            await journal.write("w-1", ENDED, open_watch=True)
            await put_mark(client, OWN, "w-1", mark, fine)
            await journal.records(in_full)
            assert await put_mark(client, OWN, "w-1", None, fine)
            assert not await put_mark(client, OWN, "w-1", None, fine), "there is none any more"
            await journal.write("w-1", ENDED, open_watch=False)
            kept = cluster.get("configmaps", OWN, NAME)
            assert set(kept["data"]) == {"record.json"}
            assert "rollback-watchdog.dev/mark" not in kept["metadata"]["labels"]

    run_simulated(main())


def test_it_is_known_which_watches_are_marked_false_alarms_of_ones_own_series_alone() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            mark = prepare(cluster)
            real, dry = a_journal(cluster, client), a_journal(cluster, client, "dry-run-")
            for watch in ("w-1", "w-2", "w-3"):
                await real.write(watch, {**ENDED, "watch": watch}, open_watch=False)
            await dry.write("w-4", {**ENDED, "watch": "w-4"}, open_watch=False)
            await put_mark(client, OWN, "w-1", mark, fine)
            await put_mark(client, OWN, "w-2", Mark(Marking.MISSED, "ana", "x", cluster.now()), fine)
            await put_mark(client, OWN, "w-4", mark, fine, series="dry-run-")
            everything = ("w-1", "w-2", "w-3", "w-4", "gone")
            assert set(await real.false_alarms(everything)) == {"w-1"}
            assert set(await dry.false_alarms(everything)) == {"w-4"}
            [other] = await RecordsReader(client, OWN, series="dry-run-").all()
            assert mark_of(other) == mark

    run_simulated(main())


def test_somebody_who_writes_in_between_is_read_first_and_asked_about_again() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            mark = prepare(cluster)
            await a_journal(cluster, client).write("w-1", ENDED, open_watch=False)
            asked: list[object] = []

            def ask(record: object) -> str:
                asked.append(record)
                if len(asked) == 1:
                    data = {"record.json": json.dumps({**ENDED, "outcome": None})}
                    cluster.patch("configmaps", OWN, NAME, {"data": data})
                    return ""
                return "it is open again"

            with pytest.raises(NotMarked, match="it is open again"):
                await put_mark(client, OWN, "w-1", mark, ask)
            assert len(asked) == 2
            assert set(cluster.get("configmaps", OWN, NAME)["data"]) == {"record.json"}

    run_simulated(main())


def test_what_is_not_there_and_what_may_not_be_done_is_said() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            mark = prepare(cluster)
            with pytest.raises(NotMarked, match="there is no record of watch w-1 any more"):
                await put_mark(client, OWN, "w-1", mark, fine)
            await a_journal(cluster, client).write("w-1", ENDED, open_watch=False)
            reader = cluster.user("reader", [Rule(["get", "list"], ["configmaps"])])
            async with a_client(cluster, reader) as theirs:
                with pytest.raises(OutOfReach, match="marking watch w-1"):
                    await put_mark(theirs, OWN, "w-1", mark, fine)

    run_simulated(main())


def test_a_mark_that_is_no_json_is_left_out_and_the_record_read(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            prepare(cluster)
            journal = a_journal(cluster, client)
            await journal.write("w-1", {**ENDED, "mark": {"what": "false-alarm"}}, open_watch=False)
            cluster.patch("configmaps", OWN, NAME, {"data": {"mark.json": "{"}})
            [record] = await journal.records(in_full)
            assert record == ENDED, "a mark is what stands beside the record, never in it"

    run_simulated(main())
    assert "holds no JSON object" in caplog.text
