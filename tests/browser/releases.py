"""A release as a browser shows it, from its first moment to its recovery; the documentation's pictures are taken here.

One story for the tests and for `make pictures`: in a simulated town one service's release is quiet, another's is bad,
is put back and recovers; then a doubtful one and a slow colour are watched side by side, and one is held.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as NotInTime

from chromium import DESKTOP, PHONE, Chromium, Watched
from six_rules import six_rules
from town import GOOD, NAMESPACE, PART_OF, Town
from watchdog.domain.annotations import HOLD
from watchdog.simulator.traffic import Course, Latency

RULES = f"""
version = 1

[guards.plasma-engine]
namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
rules      = ["error-rate", "latency", "memory", "crash"]
channels   = ["releases", "oncall"]

{six_rules("error-rate", "latency", "memory", "crash")}
[channels.releases]
url = "{{{{ secret.SLACK_URL }}}}"
on = ["switch", "passed", "breach", "rolled-back", "recovered", "held", "failed"]
[channels.oncall]
url = "{{{{ secret.PAGER_URL }}}}"
on = ["rolled-back", "not-recovered", "held", "failed"]
"""
SERVICES = ("research", "brand", "content", "agent")

TOLD = r"""() => document.querySelector("main").innerText
  .replace(/\d+ (d|h|min|s)( \d+ (h|min|s))?( ago| of the bake left| of the look at the recovery left)/g, "N$4")"""
"""The words of the page; how long ago and how much is left goes on between news and needs none."""


def furnish(town: Town) -> None:
    """Four services and a gateway with two colours, and how their next releases behave."""
    for name in SERVICES:
        town.cluster.deploy(NAMESPACE, name, f"plasma/{name}:2.3.1", replicas=3, labels=PART_OF)
        town.cluster.service(NAMESPACE, name)
    for colour, tag in (("blue", "4.9.2"), ("green", "5.0.0")):
        pods = {"app": "gateway", "colour": colour}
        town.cluster.deploy(
            NAMESPACE, f"gateway-{colour}", f"plasma/gateway:{tag}", replicas=3, labels=PART_OF, pod_labels=pods
        )
    town.cluster.service(NAMESPACE, "gateway", {"app": "gateway", "colour": "blue"}, labels=PART_OF)
    usual = replace(GOOD, requests_per_second=12)
    for name in (*SERVICES, "gateway"):
        for tag in ("2.3.1", "2.4.0", "4.9.2", "5.0.0"):
            town.behaviours[f"plasma/{name}:{tag}"] = usual
    late = Course.step(0.004, 0.14, after=60)
    town.behaviours["plasma/research:2.4.0"] = replace(usual, errors=late)
    town.behaviours["plasma/agent:2.4.0"] = replace(usual, errors=late)
    town.behaviours["plasma/brand:2.4.0"] = replace(usual, errors=Course.constant(0.061))
    town.behaviours["plasma/gateway:5.0.0"] = replace(usual, latency=Latency(0.10, 0.26))


@dataclass
class Readers:
    """Who looks on: one whose page is live, and one whose browser runs no script and who reloads."""

    browser: Chromium
    live: Page
    plain: Page
    watched: Watched

    async def both_see(self, *words: str) -> None:
        """The live page comes to say so by itself; the other one, reloaded, says the very same."""

        def looks() -> None:
            self.plain.reload()
            reloaded = self.plain.evaluate(TOLD)
            for one in words:
                assert one in reloaded, f"{one!r} is not said:\n{reloaded}"
            try:
                self.live.wait_for_function(f"told => ({TOLD})() === told", arg=reloaded)
            except NotInTime:
                raise AssertionError(f"live:\n{self.live.evaluate(TOLD)}\n\nreloaded:\n{reloaded}") from None

        await self.browser(looks)


async def readers(town: Town, browser: Chromium, path: str = "/") -> Readers:
    """Both look at the same address."""
    assert town.watchdog is not None
    url = town.watchdog.url + path

    def opened() -> Readers:
        live = browser.context().new_page()
        watched = Watched(live)
        live.goto(url)
        plain = browser.opened(url, java_script_enabled=False)
        return Readers(browser, live, plain, watched)

    return await browser(opened)


def photographed(page: Page, to: Path, height: int | None = None) -> None:
    """What a reader sees now: the window, or as much of the page as `height` says."""
    size = page.viewport_size
    assert size is not None
    page.evaluate("() => window.scrollTo(0, 0)")
    if height is not None:
        page.set_viewport_size({"width": size["width"], "height": height})
    page.screenshot(path=to)
    page.set_viewport_size(size)


async def released(town: Town, browser: Chromium, pictures: Path) -> None:
    """The story; the pictures are left in that folder."""
    look = await readers(town, browser)
    await look.both_see("no release is being watched now")
    await browser(lambda: look.live.evaluate("() => { window.loadedOnce = true; }"))
    town.deploy("content", "plasma/content:2.4.0", manager="deploy-bot")
    await town.sleep(470)
    town.deploy("research", "plasma/research:2.4.0", manager="deploy-bot")
    await town.sleep(50)
    await look.both_see("research:2.4.0", "2 watches open")
    watch = f"/watches/{town.records('research')[0]['watch']}"
    story = await readers(town, browser, watch)
    await town.phase("research", "recovering")
    await town.sleep(5)
    await look.both_see("recovering")
    await story.both_see("traffic was put back to")
    await town.outcome("research")
    await town.sleep(5)
    await look.both_see("rolled-back", "recovered")
    await story.both_see("rolled-back, recovered")
    await look.both_see("Nothing open")
    await browser(lambda: photographed(story.live, pictures / "watch.png", 1900))
    await browser(lambda: photographed(look.live, pictures / "over.png", 480))
    await _side_by_side(town, look, pictures)
    await _held(town, browser, pictures)
    await browser(lambda: _still_the_same(look, story))
    await _gone(town, browser, pictures)


async def _side_by_side(town: Town, look: Readers, pictures: Path) -> None:
    """A release in doubt and a slow colour, watched together."""
    town.deploy("brand", "plasma/brand:2.4.0", manager="deploy-bot")
    await town.sleep(45)
    town.flip("gateway", "green", manager="deploy-bot")
    await town.sleep(70)
    await look.both_see("gateway:5.0.0", "brand:2.4.0")
    url = look.live.url

    def taken() -> None:
        photographed(look.live, pictures / "page.png")
        phone = look.browser.opened(url, PHONE, color_scheme="dark")
        photographed(phone, pictures / "page-phone.png")

    await look.browser(taken)


def _still_the_same(*seen: Readers) -> None:
    assert seen[0].live.evaluate("() => window.loadedOnce"), "it was loaded anew"
    for one in seen:
        assert one.watched.wrong == []
        documents = [asked for asked in one.watched.asked if "/assets/" not in asked and "/events" not in asked]
        assert all(asked.startswith("GET ") for asked in documents)


async def _gone(town: Town, browser: Chromium, pictures: Path) -> None:
    """What a page says once its watchdog is killed."""
    assert town.watchdog is not None
    url, now = town.watchdog.url, town.clock.now()

    def opened() -> Page:
        page = browser.context(PHONE, color_scheme="dark").new_page()
        page.clock.install(time=now)
        with page.expect_response("**/events"):
            page.goto(url)
        return page

    page = await browser(opened)
    await town.kill()
    await browser(lambda: page.get_by_role("alert").wait_for())
    await browser(lambda: photographed(page, pictures / "page-gone.png", 420))


async def _held(town: Town, browser: Chromium, pictures: Path) -> None:
    """A bad release of a service that an annotation holds, and what its page says of the checks."""
    town.deploy("agent", "plasma/agent:2.4.0", manager="deploy-bot")
    until = town.clock.now() + timedelta(hours=8)
    marks = {"metadata": {"annotations": {HOLD: f"until={until.isoformat()}; the migration cannot go back"}}}
    town.cluster.patch("deployments", NAMESPACE, "agent", marks)
    await town.phase("agent", "holding")
    await town.sleep(5)
    assert town.watchdog is not None
    page = await browser.opens(f"{town.watchdog.url}/watches/{town.records('agent')[-1]['watch']}", DESKTOP)
    checks = page.locator("section[aria-labelledby=checks]")
    assert "the migration cannot go back" in await browser(checks.inner_text)

    def taken() -> None:
        checks.scroll_into_view_if_needed()
        box = checks.bounding_box()
        assert box is not None
        around = {"x": 0, "y": box["y"] - 16, "width": DESKTOP[0], "height": box["height"] + 32}
        page.screenshot(path=pictures / "held.png", clip=around)  # type: ignore[arg-type]

    await browser(taken)
