"""What strangers write (names, annotations, errors, rules) is text to a real browser: nothing runs or breaks out."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from adapters.web.pages.test_hostile_text import HOSTILE, documents
from adapters.web.test_site import FakeView
from browser.kinds import served
from builders import at
from chromium import PHONE, Chromium, Watched, chromium, needs_chromium
from stories.test_a_hostile_namespace import a_bad_release_of_a_stranger, furnish
from town import Town, tell
from watchdog.adapters.web.pages import Fact, Health, Overview, Setting, watch_page
from watchdog.simulator.clock import run_simulated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), needs_chromium]

OURS = """() => ({
  scripts: [...document.scripts].map(one => new URL(one.src).pathname.split('.')[0]),
  styles: document.styleSheets.length,
  foreign: document.querySelectorAll('img, iframe, object, embed, base, video, audio, style:not(head > style)').length,
  handlers: [...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())
    .filter(name => name.startsWith('on') || name === 'style'),
  wide: document.documentElement.scrollWidth - innerWidth,
  place: [document.querySelectorAll('main').length, document.querySelectorAll('h1').length],
  links: [...document.querySelectorAll('a[href]')].map(one => one.protocol),
})"""


class Suspicious:
    """A reader who notes whatever a page does beyond showing text."""

    def __init__(self, browser: Chromium, url: str) -> None:
        self.page: Page = browser.context(PHONE).new_page()
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective}`))"
        )
        self._watched = Watched(self.page)
        self._url = url

    def reads(self, address: str, *, file: bool = False) -> None:
        """Open it and look; in the browser's thread."""
        self.page.goto(address, wait_until="networkidle" if file else "load")
        found = self.page.evaluate(OURS)
        assert found["scripts"] == ([] if file else ["/assets/live"]), address
        assert found["styles"] == 1, "its own stylesheet is not in force"
        assert (found["foreign"], found["handlers"]) == (0, [])
        assert found["wide"] <= 0, f"{address} is {found['wide']} pixels too wide"
        assert found["place"] == [1, 1], address
        assert {link for link in found["links"] if link not in ("http:", "https:", "file:")} == set()
        assert self._watched.wrong == []
        strangers = [asked for asked in self._watched.asked if not asked.startswith((f"GET {self._url}", "GET file:"))]
        assert strangers == []


class Poisoned(FakeView):
    """Watches whose every word is hostile, in every state that is shown differently."""

    def __init__(self) -> None:
        super().__init__()
        open_ones: list[dict[str, Any]] = []
        ended: list[dict[str, Any]] = []
        for index, text in enumerate(HOSTILE):
            everywhere, shaped = documents(text)
            open_ones.append({**shaped, "watch": f"open-{index}"})
            ended.append({**everywhere, "outcome": text, "watch": f"ended-{index}"})
        self.health = Health(tuple(Fact(text, text, "bad") for text in HOSTILE), tuple(HOSTILE))
        self.shown = Overview(open_ones, ended, self.health, at(60))

    async def setting(self) -> Setting:
        return Setting(at(60), self.health, "https://prometheus.example.com")


def test_pages_of_records_in_which_every_word_is_hostile_run_load_and_break_nothing(tmp_path: Path) -> None:
    view = Poisoned()

    async def story() -> None:
        async with served(view) as (url, _), chromium() as browser:
            reader = await browser(lambda: Suspicious(browser, url))
            paths = [
                "/",
                "/?outcome=%3Cscript%3Ealert(1)%3C/script%3E&guard=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
            ]
            paths += [f"/watches/open-{index}" for index in range(len(HOSTILE))]
            for path in paths:
                await browser(lambda path=path: reader.reads(url + path))  # type: ignore[misc]
            for index, record in enumerate(view.shown.open):
                copy = tmp_path / f"{index}.html"
                copy.write_text(watch_page(record, Setting(at(60))), encoding="utf-8")
                await browser(lambda copy=copy: reader.reads(copy.as_uri(), file=True))  # type: ignore[misc]

    run_simulated(story())


def test_what_a_stranger_wrote_on_real_objects_stays_text_while_it_happens() -> None:
    async def story(town: Town) -> None:
        assert town.watchdog is not None
        url = town.watchdog.url
        async with chromium() as browser:
            reader = await browser(lambda: Suspicious(browser, url))
            await browser(lambda: reader.reads(f"{url}/"))
            await a_bad_release_of_a_stranger(town)
            told = "() => document.querySelector('main').innerText.includes('{{ secret.SLACK_URL }}')"
            await browser(lambda: reader.page.wait_for_function(told))
            for path in ("/", *(f"/watches/{record['watch']}" for record in town.records())):
                await browser(lambda path=path: reader.reads(url + path))  # type: ignore[misc]

    tell(story, furnish)


def test_the_policy_of_a_file_takes_no_other_style_and_no_script(tmp_path: Path) -> None:
    view = Poisoned()
    copy = tmp_path / "watch.html"
    intruding = "<style>body{display:none}</style><script>alert(1)</script><p style='color:red'>x</p></body>"
    copy.write_text(watch_page(view.shown.open[0], Setting(at(60))).replace("</body>", intruding), encoding="utf-8")

    async def story() -> None:
        async with chromium() as browser:

            def looked() -> tuple[list[str], bool]:
                page = browser.context().new_page()
                watched = Watched(page)
                page.goto(copy.as_uri())
                return watched.wrong, page.locator("main").is_visible()

            wrong, visible = await browser(looked)
            assert visible
            assert len(wrong) == 3
            assert all("Content Security Policy" in one for one in wrong)

    run_simulated(story())
