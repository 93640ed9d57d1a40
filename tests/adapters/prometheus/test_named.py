"""The sources in force: made when asked, kept over an edit that leaves them alone, closed when nobody waits."""

import asyncio
from datetime import UTC, datetime

from watchdog.adapters.prometheus.named import NamedSources
from watchdog.domain.measurement import Answer, QueryFailed
from watchdog.domain.sources import Source
from watchdog.ports import OutOfReach

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MIMIR, MOVED = Source("mimir", "http://a"), Source("mimir", "http://b")


class Server:
    """Answers with its own URL, once it is let."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()
        self.closed = False

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        self.asked.set()
        await self.answers.wait()
        assert not self.closed
        return Answer(self.url, ())

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        return await self.query(promql, end, deadline=deadline)

    async def close(self) -> None:
        self.closed = True


class World:
    def __init__(self) -> None:
        self.made: list[Server] = []
        self.gone: list[str] = []
        self.default = Server("default")
        self.refuses = False
        self.sources = NamedSources(self.default, self.make, gone=self.gone.append)

    def make(self, source: Source) -> Server:
        if self.refuses:
            raise OutOfReach("there is no program gcloud-token")
        self.made.append(Server(source.url))
        return self.made[-1]

    async def ask(self, name: str) -> str:
        outcome = await self.sources(name).query("up", AT, deadline=1)
        return outcome.query if isinstance(outcome, Answer) else outcome.detail


async def test_what_an_edit_leaves_alone_keeps_its_connections_and_what_it_changes_is_made_anew() -> None:
    world = World()
    world.sources.take([MIMIR])
    assert [await world.ask("mimir"), await world.ask("mimir"), await world.ask("")] == ["http://a"] * 2 + ["default"]
    world.sources.take([Source("mimir", "http://a"), Source("more", "http://c")])
    assert await world.ask("mimir") == "http://a"
    world.sources.take([MOVED])
    await world.sources.release()
    assert await world.ask("mimir") == "http://b"
    assert [(server.url, server.closed) for server in world.made] == [("http://a", True), ("http://b", False)]
    assert world.gone == ["more"]
    await world.sources.close()
    assert world.made[-1].closed
    assert world.default.closed


async def test_who_waits_for_an_answer_gets_it_though_an_edit_has_taken_the_source_away() -> None:
    world = World()
    world.sources.take([MIMIR])
    await world.ask("mimir")
    world.made[0].answers.clear()
    world.made[0].asked.clear()
    waiting = asyncio.create_task(world.ask("mimir"))
    await world.made[0].asked.wait()
    world.sources.take([])
    await world.sources.release()
    assert not world.made[0].closed
    world.made[0].answers.set()
    assert await waiting == "http://a"
    await world.sources.release()
    assert world.made[0].closed


async def test_a_source_that_is_not_there_or_cannot_be_made_fails_each_question_and_is_tried_again() -> None:
    world = World()
    assert await world.ask("mimir") == "there is no [sources.mimir] in rules.toml any more"
    world.sources.take([MIMIR])
    world.refuses = True
    assert await world.ask("mimir") == 'Prometheus "mimir": there is no program gcloud-token'
    world.refuses = False
    assert await world.ask("mimir") == "http://a"
