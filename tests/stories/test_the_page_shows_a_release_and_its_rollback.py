"""The page, through real HTTP: a bad release appears, is put back, recovers; and looks the same after a restart."""

import re

import aiohttp

from adapters.web.pages.markup_reading import Page, read
from town import Town, tell
from watchdog.simulator.traffic import Course

BAD = Course.step(0.004, 0.4, after=30)


async def text_of(town: Town, path: str) -> str:
    assert town.watchdog is not None
    async with aiohttp.ClientSession(town.watchdog.url) as session, session.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def page(town: Town, path: str = "/") -> Page:
    return read(await text_of(town, path))


def test_a_bad_release_appears_is_put_back_and_recovers() -> None:
    async def story(town: Town) -> None:
        assert "no release is being watched now" in (await page(town)).section("open").words
        town.behaves("research:v2", errors=BAD)
        town.deploy("research", "research:v2", manager="deploy-bot")
        await town.sleep(40)
        (card,) = (await page(town)).tags("article")
        for words in ("production/deployment/research", "research:v2", "research:v1", "by deploy-bot", "watching"):
            assert words in card.words
        record = await town.outcome("research")
        await town.sleep(15)

        shown = await page(town)
        assert not shown.tags("article")
        (row,) = [row for row in shown.rows() if row[0].startswith("production/deployment/research")]
        assert row[1] == "✕ rolled-back ✓ recovered"
        health = shown.section("health").words
        for words in ("leader", "it may put traffic back", "Prometheus ✓", "channel releases ✓", "rules.toml"):
            assert words in health

        watch = await page(town, f"/watches/{record['watch']}")
        verdict = record["rules"]["error-rate"]["sentence"]
        assert verdict in watch.section("timeline").words
        assert "recovered" in watch.section("timeline").words
        assert "The act was allowed, and done." in watch.section("checks").words
        assert any("production/deployment/brand" in row for row in watch.rows())
        assert "releases ✓ sent" in watch.section("told").words

    tell(story, lambda town: town.furnish("research", "brand", "content"))


def test_the_page_of_an_ended_watch_is_the_same_after_a_restart() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=BAD)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        await town.sleep(30)
        path = f"/watches/{record['watch']}"
        before = await text_of(town, path)
        await town.terminate()
        await town.start()
        after = await text_of(town, path)

        def story_alone(text: str) -> str:
            return re.sub(r"<header.*?</header>|<footer.*?</footer>", "", text, flags=re.DOTALL)

        assert story_alone(after) == story_alone(before)

    tell(story)


def test_a_held_rollback_says_on_the_page_why() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=BAD)
        town.deploy("research", "research:v2")
        town.cluster.patch(
            "deployments", "production", "research",
            {"metadata": {"annotations": {"rollback-watchdog.dev/hold":
             f"until={town.clock.now().replace(hour=23).isoformat()}; a <migration>"}}},
        )  # fmt: skip
        await town.until(lambda: any(one["phase"] == "holding" for one in town.records("research")))
        (card,) = (await page(town)).tags("article")
        assert "a <migration>" in card.words
        watch = await page(town, f"/watches/{town.records('research')[0]['watch']}")
        checks = watch.section("checks").words
        assert "The act was refused" in checks
        assert "no annotation holds it" in checks

    tell(story)


def test_a_viewer_sees_each_of_two_outcomes_that_come_closely_without_asking_again_by_himself() -> None:
    async def story(town: Town) -> None:
        for name in ("research", "brand"):
            town.behaves(f"{name}:v2", errors=BAD)
        town.deploy("research", "research:v2")
        await town.sleep(3)
        town.deploy("brand", "brand:v2")
        assert town.watchdog is not None
        shown: list[str] = []
        async with aiohttp.ClientSession(town.watchdog.url) as session, session.get("/events") as stream:
            while len(shown) < 2:
                if (await stream.content.readline()).startswith(b"event: news"):
                    ended = (await page(town)).section("ended")
                    shown = [one.words for one in ended.below if one.tag == "a"]
        assert sorted(shown) == ["production/deployment/brand", "production/deployment/research"]

    tell(story)
