"""Another site in the same browser can neither read the page nor change a thing; with a token nobody else can look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.sync_api import Error, Page

from adapters.web.test_site import FakeView
from browser.kinds import served
from chromium import Chromium, Watched, chromium, loaded, needs_chromium
from serving import listening
from watchdog.simulator.clock import run_simulated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), needs_chromium]

TRIED = """async url => {
  const told = {};
  const read = async (name, path, more) => {
    try {
      told[name] = (await (await fetch(url + path, more)).text()).length;
    } catch (error) { told[name] = 'refused'; }
  };
  await read('page', '/');
  await read('page with credentials', '/', { credentials: 'include' });
  await read('api', '/api/watches');
  await read('post', '/', { method: 'POST', body: 'x=1' });
  await read('delete', '/watches/w1', { method: 'DELETE' });
  await read('opaque', '/', { mode: 'no-cors' });
  const loads = (tag, path) => new Promise(done => {
    const one = document.createElement(tag);
    one.onload = () => done('loaded'); one.onerror = () => done('refused');
    if (tag === 'link') { one.rel = 'stylesheet'; one.href = url + path; } else { one.src = url + path; }
    document.head.append(one);
  });
  told.script = await loads('script', document.body.dataset.script);
  told.style = await loads('link', document.body.dataset.style);
  told.image = await loads('img', '/');
  told.events = await new Promise(done => {
    const stream = new EventSource(url + '/events');
    stream.onopen = () => done('opened'); stream.onerror = () => done('refused');
  });
  return told;
}"""


@asynccontextmanager
async def another_site() -> AsyncIterator[str]:
    """A page of a stranger, which frames whatever it is asked to frame."""

    async def page(request: web.Request) -> web.Response:
        framed = request.query.get("frame", "about:blank")
        text = f'<!doctype html><title>evil</title><body><iframe src="{framed}"></iframe></body>'
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    async with listening(app) as port:
        yield f"http://localhost:{port}/"


def test_a_page_of_another_site_reads_loads_frames_and_changes_nothing() -> None:
    def tried(browser: Chromium, url: str, evil: str) -> tuple[dict[str, object], str]:
        own = browser.opened(url)
        script = own.evaluate("() => document.scripts[0].getAttribute('src')")
        style = own.evaluate("() => document.querySelector('link[rel=stylesheet]').getAttribute('href')")
        page = browser.opened(f"{evil}?frame={url}/")
        page.evaluate("paths => Object.assign(document.body.dataset, paths)", {"script": script, "style": style})
        told = page.evaluate(TRIED, url)
        return told, page.frames[1].url

    async def story() -> None:
        view = FakeView()
        before = view.shown
        async with served(view) as (url, _), another_site() as evil, chromium() as browser:
            told, framed = await browser(lambda: tried(browser, url, evil))
        assert told == dict.fromkeys(told, "refused")
        assert len(told) == 10
        assert framed.startswith("chrome-error:"), "it can be framed"
        assert view.shown is before

    run_simulated(story())


TOKEN = "t0ken-of-the-page"


def test_with_a_token_a_browser_asks_for_it_once_and_the_page_is_live(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)

    def strangers(browser: Chromium, url: str) -> None:
        with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):  # asked for a password, with nobody to ask
            browser.opened(f"{url}/")
        guessed = {"username": "anybody", "password": "guessed"}
        assert loaded(browser.context(http_credentials=guessed).new_page(), f"{url}/").status == 401

    def signed_in(browser: Chromium, url: str) -> tuple[Page, Watched]:
        page = browser.context(http_credentials={"username": "anybody", "password": TOKEN}).new_page()
        watched = Watched(page)
        with page.expect_response("**/events") as events:
            assert loaded(page, f"{url}/").status == 200
        assert events.value.status == 200
        return page, watched

    async def story() -> None:
        view = FakeView()
        async with served(view, token_file=token) as (url, news), chromium() as browser:
            await browser(lambda: strangers(browser, url))
            page, watched = await browser(lambda: signed_in(browser, url))
            view.shown = type(view.shown)((), view.shown.ended, view.shown.health, view.shown.now)
            news.tell()
            await asyncio.sleep(2)  # noqa: TID251 - simulated time, until the news have settled
            await browser(lambda: page.get_by_text("no release is being watched now").wait_for())
            assert watched.wrong == []
            assert TOKEN not in await browser(page.content)

    run_simulated(story())
