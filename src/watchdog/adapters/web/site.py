"""The pages over HTTP: `/`, `/watches/ID`, their stylesheet and script, and `/events`. Only GET, and only reading."""

import gzip
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from aiohttp import web

from watchdog.adapters.web import pages
from watchdog.adapters.web.news import News
from watchdog.adapters.web.pages import Filter, Overview, Setting
from watchdog.ports import OutOfReach

_WATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = MappingProxyType({"Content-Security-Policy": _POLICY})
_FOR_EVER = MappingProxyType({"Cache-Control": "public, max-age=31536000, immutable"})
_RENDERED = 64  # views of one moment that are kept as they are sent
_PACKED = 5  # of 9: a tenth of the size; more effort gains little


class View(Protocol):
    """What the pages show. All raise `OutOfReach` where nothing can be shown."""

    async def overview(self) -> Overview:
        """The present state; the very same object while nothing of it is asked anew."""
        ...

    async def record(self, watch_id: str) -> Mapping[str, Any] | None:
        """One record, of an open watch or an ended one."""
        ...

    async def setting(self) -> Setting:
        """What the page of a watch stands in."""
        ...


class Site:
    """Renders what the view has."""

    def __init__(self, view: View, news: News) -> None:
        self._view = view
        self._news = news
        self._rendered: tuple[Overview | None, dict[Filter, _Sent]] = (None, {})

    def routes(self) -> Sequence[web.RouteDef]:
        """The addresses and what answers them."""
        return [
            web.get("/", self._status),
            web.get("/watches/{id}", self._watch),
            web.get("/watches/{id}/plot.svg", self._plot),
            web.get("/events", self._news.follow, allow_head=False),
            web.get(pages.style_path(), self._style),
            web.get(pages.script_path(), self._script),
            web.get(pages.icon_path(), self._icon),
        ]

    def close(self) -> None:
        """Let the viewers go."""
        self._news.close()

    async def _status(self, request: web.Request) -> web.Response:
        chosen = Filter.of(request.query)
        try:
            view = await self._view.overview()
        except OutOfReach as error:
            return _html(request, pages.missing_page("Out of reach", str(error)), status=503)
        if self._rendered[0] is not view:
            self._rendered = (view, {})
        sent = self._rendered[1]
        if chosen not in sent and len(sent) >= _RENDERED:
            sent.clear()
        if chosen not in sent:
            sent[chosen] = _Sent(pages.status_page(view, chosen))
        return sent[chosen].to(request)

    async def _watch(self, request: web.Request) -> web.Response:
        watch_id = request.match_info["id"]
        try:
            record = await self._view.record(watch_id) if _WATCH_ID.fullmatch(watch_id) else None
            if record is None:
                why = "It may have been pruned: only the last records are kept."
                return _html(request, pages.missing_page("There is no such watch", why), status=404)
            return _html(request, pages.watch_page(record, await self._view.setting()))
        except OutOfReach as error:
            return _html(request, pages.missing_page("Out of reach", str(error)), status=503)

    async def _plot(self, request: web.Request) -> web.Response:
        """The plot of the rule that decided, or of `?rule=NAME`."""
        watch_id = request.match_info["id"]
        try:
            record = await self._view.record(watch_id) if _WATCH_ID.fullmatch(watch_id) else None
        except OutOfReach as error:
            return web.Response(status=503, text=f"{error}\n")
        drawn = pages.picture(record, request.query.get("rule", "")) if record is not None else None
        if drawn is None:
            return web.Response(status=404, text="there is no such watch, or no such rule, or nothing was measured\n")
        headers = {"Content-Security-Policy": pages.picture_policy()}
        return web.Response(text=drawn, content_type="image/svg+xml", headers=headers)

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(text=pages.STYLE, content_type="text/css", headers=_FOR_EVER)

    async def _script(self, _: web.Request) -> web.Response:
        return web.Response(text=pages.script(), content_type="text/javascript", headers=_FOR_EVER)

    async def _icon(self, _: web.Request) -> web.Response:
        return web.Response(text=pages.ICON, content_type="image/svg+xml", headers=_FOR_EVER)


class _Sent:
    """A page as it is sent, made once for however many ask for it."""

    def __init__(self, text: str) -> None:
        self._plain = text.encode()
        self._packed = gzip.compress(self._plain, _PACKED)

    def to(self, request: web.Request, *, status: int = 200) -> web.Response:
        """The answer; packed for whoever can unpack it. No secret is on a page, so that its size gives none away."""
        headers = {**_HEADERS, "Vary": "Accept-Encoding"}
        body = self._plain
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = self._packed
        return web.Response(status=status, body=body, content_type="text/html", charset="utf-8", headers=headers)


def _html(request: web.Request, text: str, *, status: int = 200) -> web.Response:
    return _Sent(text).to(request, status=status)
