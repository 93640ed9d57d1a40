"""Every kind of page, for everybody: axe-core, the keyboard alone, a narrow screen, large letters, light and dark."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from browser.kinds import EveryKind, addresses, served
from chromium import DESKTOP, PHONE, Chromium, accessibility, chromium, needs_chromium
from watchdog.simulator.clock import run_simulated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), needs_chromium]

REACHED = """() => [...document.querySelectorAll('a[href], button, select, input, summary, [tabindex="0"]')]
  .filter(one => one.checkVisibility() && (one.type !== 'radio' || one.checked))"""
HERE = f"""() => {{
  const one = document.activeElement;
  const outlined = each => {{
    const style = getComputedStyle(each);
    return style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
  }};
  const box = one.getBoundingClientRect();
  return {{
    index: ({REACHED})().indexOf(one),
    html: one.outerHTML.slice(0, 120),
    outline: Math.max(outlined(one), outlined(one.closest('label') || one)),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
          && box.right > 0 && box.left < innerWidth,
  }};
}}"""
CUT = """() => [...document.querySelectorAll('body *')].filter(one => {
  if (one.closest('.quiet, svg, thead') || !one.checkVisibility()) return false;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const hides = ['hidden', 'clip'].includes(style.overflowX) && one.scrollWidth > one.clientWidth + 1;
  const leaves = box.width > 0 && box.right > innerWidth + 1 && !one.closest('.wide, table')
  return hides || leaves;
}).map(one => one.outerHTML.slice(0, 160))"""


def on_every_page(folder: Path, look: Callable[[Chromium, str, str], Awaitable[None]], *, letters: int = 16) -> None:
    async def story() -> None:
        async with served(EveryKind()) as (url, _), chromium(letters=letters) as browser:
            for name, address in addresses(url, folder).items():
                await look(browser, name, address)

    run_simulated(story())


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark, narrow"])
def test_axe_finds_nothing_wrong(scheme: str, size: tuple[int, int], tmp_path: Path) -> None:
    async def look(browser: Chromium, name: str, address: str) -> None:
        def checked() -> list[str]:
            page = browser.opened(address, size, color_scheme=scheme)
            unfold(page)
            return accessibility(page)

        wrong.extend(f"{name}: {one}" for one in await browser(checked))

    wrong: list[str] = []
    on_every_page(tmp_path, look)
    assert not wrong, "\n".join(wrong)


def unfold(page: Page) -> None:
    """Open all that is folded."""
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")


def test_the_keyboard_alone_reaches_everything_in_order_and_shows_where_it_is(tmp_path: Path) -> None:
    async def look(browser: Chromium, name: str, address: str) -> None:
        def walked() -> list[dict[str, Any]]:
            page = browser.opened(address)
            unfold(page)
            there = page.evaluate(f"() => ({REACHED})().length")
            found = []
            for _ in range(there):
                page.keyboard.press("Tab")
                found.append(page.evaluate(HERE))
            assert [one["index"] for one in found] == list(range(there)), name
            return found

        reached = await browser(walked)
        wrong.extend(f"{name}: {one}" for one in reached if one["outline"] < 2 or not one["seen"])

    wrong: list[str] = []
    on_every_page(tmp_path, look)
    assert not wrong, "\n".join(wrong)


def test_the_keyboard_alone_unfolds_follows_filters_and_skips() -> None:
    def walked(browser: Chromium, url: str) -> None:
        page = browser.opened(f"{url}/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#main")
        page.locator("#filter > summary").focus()
        page.keyboard.press("Enter")
        for _ in range(3):
            page.keyboard.press("Tab")
        page.keyboard.type("held")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**outcome=held")
        page.locator('a[href="/watches/w-held"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/watches/w-held")
        folded = page.locator("details:not([open])").first
        folded.locator("summary").focus()
        name = folded.get_attribute("id")
        page.keyboard.press("Enter")
        assert page.locator(f"#{name}").get_attribute("open") is not None

    async def story() -> None:
        async with served(EveryKind()) as (url, _), chromium() as browser:
            await browser(lambda: walked(browser, url))

    run_simulated(story())


@pytest.mark.parametrize(
    ("size", "letters"), [(PHONE, 16), ((640, 590), 16), ((720, 590), 32)], ids=["360 px", "zoomed", "large letters"]
)
def test_narrow_zoomed_or_with_large_letters_nothing_is_cut_and_the_page_scrolls_one_way(
    size: tuple[int, int], letters: int, tmp_path: Path
) -> None:
    async def look(browser: Chromium, name: str, address: str) -> None:
        def measured() -> tuple[int, list[str]]:
            page = browser.opened(address, size)
            unfold(page)
            return page.evaluate("() => document.documentElement.scrollWidth"), page.evaluate(CUT)

        wide, cut = await browser(measured)
        wrong.extend(f"{name}: {one}" for one in cut)
        if wide > size[0]:
            wrong.append(f"{name}: {wide} pixels wide")

    wrong: list[str] = []
    on_every_page(tmp_path, look, letters=letters)
    assert not wrong, "\n".join(wrong)


def test_on_a_phone_the_plot_is_seen_whole_and_what_to_do_is_one_touch_away() -> None:
    def touched(browser: Chromium, url: str) -> None:
        page = browser.opened(f"{url}/watches/w-back", PHONE, has_touch=True)
        for question, at_most in (("Was it right?", 100), ("What to do next", PHONE[1])):
            page.evaluate("() => window.scrollTo(0, 0)")
            link = page.get_by_role("link", name=question)
            box = link.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < PHONE[1], f"{question} is below what is seen first"
            link.tap()
            place = page.locator(str(link.get_attribute("href"))).bounding_box()
            assert place is not None
            assert 0 <= place["y"] < at_most, question
        moments = page.locator(".only-narrow .wd-moment")
        assert moments.count() == 4
        for index in range(4):
            box = moments.nth(index).bounding_box()
            assert box is not None
            assert box["x"] > 0
            assert box["x"] + box["width"] < PHONE[0]
        letters = "one => one.getBoundingClientRect().width / one.viewBox.baseVal.width"
        assert page.locator(".only-narrow svg").first.evaluate(letters) > 0.9
        assert page.locator(".only-broad:visible").count() == 0
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        assert page.locator(".only-narrow:visible").count() == 0
        assert page.locator(".only-broad:visible").count() == 1

    async def story() -> None:
        async with served(EveryKind()) as (url, _), chromium() as browser:
            await browser(lambda: touched(browser, url))

    run_simulated(story())


def test_letters_are_as_large_as_the_reader_has_set_them() -> None:
    size = "() => parseFloat(getComputedStyle(document.querySelector('main td, main p')).fontSize)"

    async def measured(letters: int) -> float:
        async with served(EveryKind()) as (url, _), chromium(letters=letters) as browser:
            return float(await browser(lambda: browser.opened(f"{url}/").evaluate(size)))

    async def story() -> None:
        assert await measured(32) == 2 * await measured(16)

    run_simulated(story())
