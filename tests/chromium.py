"""A real browser in a story: Debian's chromium, driven from a thread of its own.

While a call in that thread is under way simulated time stands still and the town's servers answer (see
`simulator.clock`), so a story lets time pass first, and then waits in the browser for what must have come of it:

    async with chromium() as browser:
        page = await browser.opens(f"{town.watchdog.url}/")
        await town.sleep(30)
        await browser(lambda: page.get_by_text("rolled-back").wait_for())
"""

import asyncio
import importlib.resources
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, sync_playwright

T = TypeVar("T")

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="a browser (Debian's package `chromium`) is not installed"
)
DESKTOP = (1000, 1180)
PHONE = (360, 740)
# Chromium as root has no sandbox of its own; lines are drawn alike whatever screen there is.
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--force-color-profile=srgb", "--no-proxy-server")


class Chromium:
    """Calls come one after the other; each runs where the browser lives."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    async def __call__(self, what: Callable[[], T]) -> T:
        """Do something with pages; what it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, what)

    def start(self, letters: int) -> None:
        """Start the browser; no profile is left behind."""
        self._playwright = sync_playwright().start()
        arguments = [*_ARGUMENTS, f"--blink-settings=defaultFontSize={letters}"]
        self._browser = self._playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)

    def end(self) -> None:
        """End it, whatever is open."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()

    def context(self, size: tuple[int, int] = DESKTOP, **more: Any) -> BrowserContext:
        """A reader with a profile of his own. To be called in the browser's thread."""
        assert self._browser is not None
        usual = {"viewport": {"width": size[0], "height": size[1]}, "locale": "en-GB", "reduced_motion": "reduce"}
        context = self._browser.new_context(**usual | more)
        context.set_default_timeout(20_000)
        return context

    def opened(self, url: str, size: tuple[int, int] = DESKTOP, **more: Any) -> Page:
        """A page of a new reader, loaded. To be called in the browser's thread."""
        page = self.context(size, **more).new_page()
        page.goto(url, wait_until="load")
        return page

    async def opens(self, url: str, size: tuple[int, int] = DESKTOP, **more: Any) -> Page:
        """The same, from the story."""
        return await self(lambda: self.opened(url, size, **more))


@asynccontextmanager
async def chromium(*, letters: int = 16) -> AsyncIterator[Chromium]:
    """A browser until left, whose reader has set letters of so many pixels."""
    with ThreadPoolExecutor(1, thread_name_prefix="chromium") as thread:
        browser = Chromium(thread)
        try:
            await browser(lambda: browser.start(letters))
            yield browser
        finally:
            await browser(browser.end)


def accessibility(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands: rule, element, why. In the browser's thread.

    Its script is run by the browser itself, so the page's Content-Security-Policy stays in force.
    """
    axe = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(f"() => {{ {axe}\n }}")
    found = page.evaluate("() => axe.run(document, { rules: { 'target-size': { enabled: true } } })")
    return [
        f"{one['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


class Watched:
    """What went wrong on a page while it was open: scripts, dialogs, policy. Attach before it is loaded."""

    def __init__(self, page: Page) -> None:
        self.wrong: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda line: self._said(line.type, line.text))
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.asked.append(f"{request.method} {request.url}"))

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append(f"{kind}: {text}")

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def loaded(page: Page, url: str) -> Response:
    """Go there; the answer."""
    answer = page.goto(url, wait_until="load")
    assert answer is not None, url
    return answer
