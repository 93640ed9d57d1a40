"""A page whose watchdog is gone, or that found no place among the live ones, says so and comes back by itself."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page

from adapters.web.pages.records import a_record
from browser.kinds import EveryKind, served
from chromium import PHONE, Chromium, accessibility, chromium, needs_chromium
from watchdog.adapters.web.pages import Health
from watchdog.simulator.clock import run_simulated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), needs_chromium]

ALERT = r"no answer from the watchdog since \d\d:\d\d:\d\d UTC; what stands here may be old"


def live(browser: Chromium, url: str) -> Page:
    """A page that has begun to listen. In the browser's thread."""
    page = browser.context().new_page()
    with page.expect_response("**/events"):
        page.goto(url)
    return page


def test_a_dead_watchdog_is_said_within_seconds_and_its_return_shows_what_is_new() -> None:
    async def story() -> None:
        view = EveryKind()
        view.shown = replace(view.shown, health=Health())
        async with chromium() as browser:
            async with served(view) as (url, _):
                page = await browser(lambda: live(browser, url))
                well = page.get_by_text("the watchdog itself is well")
                assert await browser(well.is_visible)
                assert await browser(page.get_by_role("alert").count) == 0
            port = int(url.rpartition(":")[2])
            banner = page.get_by_role("alert")
            await browser(lambda: banner.wait_for(timeout=10_000))
            said = await browser(banner.inner_text)
            assert await browser(lambda: page.locator(f"text=/{ALERT}/").count()) == 1, said
            assert not await browser(well.is_visible)
            assert await browser(lambda: accessibility(page)) == []
            await browser(lambda: page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)"))
            box = await browser(banner.bounding_box)
            assert box is not None
            assert box["y"] == 0
            view.shown = replace(view.shown, open=[a_record(watch="w-new", target="production/deployment/new")])
            async with served(view, port=port):
                await browser(lambda: banner.wait_for(state="detached"))
                assert await browser(well.is_visible)
                await browser(lambda: page.get_by_role("link", name="production/deployment/new").wait_for())

    run_simulated(story())


def test_what_the_watchdog_answers_instead_of_the_page_is_said_too() -> None:
    async def story() -> None:
        view = EveryKind()
        async with chromium() as browser, served(view) as (url, news):
            page = await browser(lambda: live(browser, url))
            view.away = True
            news.close()
            await browser(lambda: page.locator("#lost", has_text="the watchdog answers 503 since").wait_for())

    run_simulated(story())


def test_a_page_that_finds_no_place_says_so_and_is_live_once_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.adapters.web.news.MOST", 0)

    def opened(browser: Chromium, url: str) -> Page:
        page = browser.context(PHONE).new_page()
        page.clock.install()
        page.goto(url)
        page.locator("footer #not-live").wait_for()
        return page

    async def story() -> None:
        view = EveryKind()
        async with chromium() as browser, served(view) as (url, news):
            page = await browser(lambda: opened(browser, url))
            note = page.locator("#not-live")
            assert "This page is not live now" in await browser(note.inner_text)
            assert await browser(page.get_by_role("alert").count) == 0
            assert await browser(lambda: accessibility(page)) == []
            monkeypatch.setattr("watchdog.adapters.web.news.MOST", 1)
            view.shown = replace(view.shown, open=[a_record(watch="w-new", target="production/deployment/new")])
            await browser(lambda: page.clock.fast_forward(21_000))
            await browser(lambda: note.wait_for(state="detached"))
            await browser(lambda: page.get_by_role("link", name="production/deployment/new").wait_for())
            assert news.viewers == 1

    run_simulated(story())


def test_a_connection_that_went_silent_is_taken_for_dead_and_made_anew() -> None:
    def silent(browser: Chromium, url: str) -> None:
        page = browser.context().new_page()
        page.clock.install()
        with page.expect_response("**/events"):
            page.goto(url)
        with page.expect_response("**/events"):
            page.clock.fast_forward(41_000)

    async def story() -> None:
        async with chromium() as browser, served(EveryKind()) as (url, _):
            await browser(lambda: silent(browser, url))

    run_simulated(story())
