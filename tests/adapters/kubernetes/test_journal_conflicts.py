"""Two processes that write one record: whoever comes late changes nothing, and whoever may write settles it."""

from typing import Any

import pytest

from adapters.kubernetes.building import BRAND, GATEWAY, a_cluster
from adapters.kubernetes.test_journal import a_journal
from watchdog.ports import OutOfReach, in_full
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.clock import run_simulated


def test_a_write_that_arrives_late_changes_nothing_of_what_another_process_wrote_since() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as old, a_journal(cluster) as new:
            await old.write("w-1", {"phase": "watching"}, open_watch=True)
            await old.remember(GATEWAY, {"serving": "v1"})
            assert await new.records(in_full) == [{"phase": "watching"}]
            assert await new.memories() == {GATEWAY: {"serving": "v1"}}

            async def meanwhile(attempt: WriteAttempt) -> None:
                end()
                late.append(attempt.body)
                await new.write("w-1", {"phase": "acting"}, open_watch=True)
                await new.remember(GATEWAY, {"serving": "v2"})

            late: list[Any] = []
            for write in (
                old.write("w-1", {"phase": "late"}, open_watch=True),
                old.remember(GATEWAY, {"serving": "late"}),
            ):
                end = cluster.before_write(meanwhile)
                closed = old._client._fence
                old._client._fence = lambda: not late  # it leads until the request is on its way
                with pytest.raises(OutOfReach, match="does not lead"):
                    await write
                old._client._fence = closed
                late.clear()
            assert await new.records(in_full) == [{"phase": "acting"}]
            assert await new.memories() == {GATEWAY: {"serving": "v2"}}
            assert {request.code for request in cluster.writes() if "late" in str(request.body)} == {409}

    run_simulated(main())


def test_a_conflict_of_who_may_write_is_settled_by_reading_again() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_journal(cluster) as one, a_journal(cluster) as other:
            for n in range(3):
                await one.write("w-1", {"by": "one", "n": n}, open_watch=True)
                await one.remember(GATEWAY, {"n": n})
                await other.write("w-1", {"by": "other", "n": n}, open_watch=True)
                await other.remember(BRAND, {"n": n})
            assert await one.records(in_full) == [{"by": "other", "n": 2}]
            assert await one.memories() == {GATEWAY: {"n": 2}, BRAND: {"n": 2}}

    run_simulated(main())
