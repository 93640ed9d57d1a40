"""What peers would ask of the same Prometheus: one query per metric and target in each interval.

python -m benchmarks.scale.asker PROMETHEUS_URL
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from benchmarks.scale.lines import answering

_CONCURRENCY = 16


def queries(namespace: str, app: str) -> Iterator[str]:
    """Of one target, as Flagger's and Argo Rollouts' documentation writes them."""
    pods = f'namespace="{namespace}",pod=~"{app}-[^-]+-[^-]+"'
    yield (f'sum(rate(http_requests_total{{{pods},status=~"5.."}}[1m])) / sum(rate(http_requests_total{{{pods}}}[1m]))')
    buckets = f"rate(http_request_duration_highr_seconds_bucket{{{pods}}}[1m])"
    yield f"histogram_quantile(0.95, sum by (le) ({buckets}))"
    yield f'sum(rate(container_cpu_usage_seconds_total{{{pods},container!=""}}[1m]))'
    yield f'sum(container_memory_working_set_bytes{{{pods},container!=""}})'


class Asker:
    """Asks for all targets, evenly spread over each interval."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v1/query"

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One request of the bench: so many intervals of all targets."""
        asked = [query for place in request["targets"] for query in queries(*place)]
        interval, turns, took, size = request["interval"], asyncio.Semaphore(_CONCURRENCY), [], 0

        async def ask(session: aiohttp.ClientSession, query: str) -> None:
            nonlocal size
            async with turns:
                began = time.monotonic()
                async with session.post(self._url, data={"query": query}) as answer:
                    size += len(await answer.read())
                    assert answer.status == 200, await answer.text()
                took.append(time.monotonic() - began)

        began = time.monotonic()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as scope:
            for number in range(request["intervals"]):
                for index, query in enumerate(asked):
                    due = began + interval * (number + index / len(asked))
                    if due > time.monotonic():
                        await asyncio.sleep(due - time.monotonic())
                    async with turns:  # where it cannot keep up, it asks later: no queue grows
                        pass
                    scope.create_task(ask(session, query))
            until = began + interval * request["intervals"]
            await asyncio.sleep(max(0.0, until - time.monotonic()))
        seconds = time.monotonic() - began
        return {"queries": len(took), "bytes": size, "seconds": seconds, "query seconds": sum(took)}


async def main() -> None:
    """Ask until standard input ends."""
    await answering(Asker(sys.argv[1]).answer)


if __name__ == "__main__":
    asyncio.run(main())
