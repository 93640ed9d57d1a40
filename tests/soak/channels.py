"""Two channels on real HTTP: a webhook of the soak's own and a PagerDuty, and the server that both speak to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
from aiohttp import web

from soak.history import History
from watchdog.adapters.notifiers.pagerduty import PagerDutyNotifier
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.domain.rules import Rulebook
from watchdog.ports import Clock, NotDelivered, Notifier
from watchdog.simulator.faults import LOSE_ANSWER, TRUNCATE, Faults, before_answer, reset, truncate

_DEADLINE = 8.0


class Webhook:
    """The plainest channel: posts a notice's id, topic and whether it may be a repeat."""

    def __init__(self, name: str, on: frozenset[Topic], url: str) -> None:
        self.name = name
        self._on = on
        self._url = url
        self._client = httpx.AsyncClient(trust_env=False, timeout=_DEADLINE)

    def wants(self, topic: Topic) -> bool:
        return topic in self._on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        said = {"id": notice.id, "watch": notice.watch, "topic": notice.topic.value, "repeat": possible_repeat}
        try:
            async with asyncio.timeout(_DEADLINE):
                answer = await self._client.post(self._url, json=said)
        except (TimeoutError, httpx.HTTPError) as error:
            raise NotDelivered(type(error).__name__, unsure=True) from None
        if answer.status_code != 202:
            wait = answer.headers.get("Retry-After", "")
            raise NotDelivered(
                f"answered {answer.status_code}",
                unsure=answer.status_code < 300,
                retry_after=float(wait) if wait.isdecimal() else None,
            )

    async def close(self) -> None:
        await self._client.aclose()


class ChannelServer:
    """What both channels speak to. What arrives is heard before it is answered, as it is with real ones."""

    def __init__(self, history: History, clock: Clock) -> None:
        self.url = ""
        self.faults = Faults()
        self._history = history
        self._clock = clock

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ChannelServer"]:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = "http://{}:{}".format(*runner.addresses[0][:2])
            yield self
        finally:
            self.faults.clear()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()
        fault = self.faults.of_request(request.method, request.path, "")
        if fault is not None:
            own = await before_answer(fault, request, self._clock)
            if own is not None:
                return own
        self._hear(said)
        response = web.json_response({"status": "success"}, status=202)
        if fault is not None and fault.kind == LOSE_ANSWER:
            return reset(request)
        if fault is not None and fault.kind == TRUNCATE:
            return await truncate(request, response)
        return response

    def _hear(self, said: Mapping[str, object]) -> None:
        if "event_action" not in said:
            repeat = bool(said["repeat"])
            self._history.heard("releases", str(said["watch"]), str(said["topic"]), str(said["id"]), repeat=repeat)
            return
        payload = said.get("payload")
        if isinstance(payload, dict):
            notice = str(payload["custom_details"]["notice"])
            self._history.heard("oncall", str(said["dedup_key"]), str(payload["class"]), notice)
        else:
            self._history.heard("oncall", str(said["dedup_key"]), str(said["event_action"]))


def building(clock: Clock, url: Callable[[], str]) -> Callable[[Rulebook], Mapping[str, Notifier]]:
    """How the watchdog builds its channels: each of them behind the wire at `url()`."""

    def build(rulebook: Rulebook) -> Mapping[str, Notifier]:
        built: dict[str, Notifier] = {}
        for channel in rulebook.channels:
            if channel.routing_key is not None:
                built[channel.name] = PagerDutyNotifier(
                    channel.name, "the-key", clock, on=channel.on, url=f"{url()}/v2/enqueue", deadline=_DEADLINE
                )
            else:
                built[channel.name] = Webhook(channel.name, channel.on, f"{url()}/hook")
        return built

    return build
