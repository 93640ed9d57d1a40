"""Viewers of the page in a process of their own: each follows /events and asks for the page at every news, as a browser does.

    python -m benchmarks.page.viewers URL COUNT SECONDS

Prints JSON: how many pages were had, how long each took.
"""

import asyncio
import json
import sys
import time

import aiohttp


async def view(session: aiohttp.ClientSession, until: float, took: list[float]) -> None:
    """One viewer, who goes on reading while another page is on its way."""
    async with session.get("/events") as stream:
        while (left := until - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    line = await stream.content.readline()
            except TimeoutError:
                return
            if line.startswith(b"event: news"):
                began = time.monotonic()
                async with session.get("/") as answer:
                    await answer.read()
                took.append(time.monotonic() - began)


async def main(url: str, count: int, seconds: float) -> None:
    """All of them."""
    took: list[float] = []
    until = time.monotonic() + seconds
    async with aiohttp.ClientSession(
        url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
    ) as session:
        await asyncio.gather(*(view(session, until, took) for _ in range(count)))
    print(json.dumps({"pages": len(took), "seconds": sorted(took)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
