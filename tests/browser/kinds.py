"""A page of every kind, served as the daemon serves it, or as a file."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.web.pages.records import a_record
from adapters.web.test_site import FakeView
from builders import at
from replay.reports import fortnight
from watchdog.adapters.web import News, Site, WebServer
from watchdog.adapters.web.pages import Fact, Health, Overview, Setting, watch_page
from watchdog.replay.rendering.html import html

BAD = (0.004, 0.5, 0.5, 0.5, 0.5, 0.5)
HEALTH = Health(
    (
        Fact("role", "leader", "good"),
        Fact("pause", "a migration, until 2026-03-02 05:00 UTC", "doubt"),
        Fact("rules", "the file is invalid, the last valid rules (0c14f97440af) stay in force: line 3", "bad"),
        Fact("rollbacks in the last hour", "none"),
    ),
    ("Nothing acts: a migration, until 2026-03-02 05:00 UTC.",),
)


class EveryKind(FakeView):
    """Watches in every state, more of them open than are shown in full, and a watchdog that is not well."""

    def __init__(self) -> None:
        super().__init__()
        breached = {"phase": "holding", "reason": "held: an annotation forbids it"}
        open_ones = [
            a_record(watch="w-open"),
            a_record(*BAD, watch="w-held", **breached),
            *(a_record(watch=f"w-more-{index}", target=f"production/deployment/s{index}") for index in range(12)),
        ]
        ended = [rolled_back("w-back"), *(an_ended(f"w-{name}", name) for name in ("passed", "held", "inconclusive"))]
        self.shown = Overview(open_ones, ended, HEALTH, at(120), dry_run=True)

    async def setting(self) -> Setting:
        return Setting(at(120), HEALTH, "https://prometheus.example.com", dry_run=True)


def an_ended(name: str, outcome: str) -> Mapping[str, Any]:
    """A watch that ended so."""
    reason = f"so it was {outcome}"
    return a_record(watch=name, outcome=outcome, phase=outcome, ended_at=at(700).isoformat(), reason=reason)


def rolled_back(name: str) -> Mapping[str, Any]:
    """A watch with all that its page can show."""
    checks = [
        {"check": "precondition", "holds": "nobody has changed it since", "answer": "passed", "why": ""},
        {"check": "hold", "holds": "no annotation holds it", "answer": "refused", "why": "a migration"},
        {"check": "peers", "holds": "untouched peers do not fail alike", "answer": "not reached", "why": ""},
    ]
    peer = {"target": "production/deployment/brand", "usable": True, "alike": False, "sentence": "0.4 %"}
    peers = [{"rule": "error-rate", "from": at(10).isoformat(), "to": at(70).isoformat(), "peers": [peer]}]
    return a_record(
        *BAD, watch=name, outcome="rolled-back", phase="rolled-back", recovery="recovered", checks=checks, peers=peers,
        ended_at=at(700).isoformat(), acted_at=at(80).isoformat(), put_back_complete_at=at(90).isoformat(),
        put_back_to="research-v1", changes=["image research:2.3.1 became research:2.4.0"],
        commits="https://example.com/compare/a...b", reason="put back, and each breached rule is kept again",
        would_send=[{"method": "PATCH", "path": "/apis/apps/v1/x", "content_type": "application/json", "body": "{}"}],
    )  # fmt: skip


@asynccontextmanager
async def served(view: FakeView, *, port: int = 0, **more: Any) -> AsyncIterator[tuple[str, News]]:
    """A server with these pages alone; its address."""

    async def nothing(*_: Any) -> Any:
        return None

    async def watch(watch_id: str) -> Mapping[str, Any] | None:
        return await view.record(watch_id)

    news = News()
    server = WebServer(
        "127.0.0.1", port, ready=lambda: (True, []), metrics=lambda: (), watches=nothing, watch=watch,
        site=Site(view, news), **more,
    )  # fmt: skip
    await server.start()
    try:
        yield server.url, news
    finally:
        await server.stop()


def addresses(url: str, folder: Path) -> dict[str, str]:
    """Every kind of page, by what it is; files are written into the folder."""
    explained, backtest = folder / "explained.html", folder / "backtest.html"
    explained.write_text(watch_page(rolled_back("w-file"), Setting(at(800))), encoding="utf-8")
    backtest.write_text(html(fortnight(12, bad=4, placebos=6)), encoding="utf-8")
    return {
        "the status page": f"{url}/",
        "filtered": f"{url}/?namespace=production&outcome=held",
        "a watch that is open": f"{url}/watches/w-open",
        "a watch that was rolled back": f"{url}/watches/w-back",
        "no such watch": f"{url}/watches/none",
        "a watch as a file": explained.as_uri(),
        "a backtest as a file": backtest.as_uri(),
    }
