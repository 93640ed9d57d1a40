"""Slack, and whatever else Apprise speaks, from one URL."""

import asyncio
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from watchdog.adapters.notifiers import text
from watchdog.adapters.notifiers.apprise_answers import failure
from watchdog.adapters.notifiers.apprise_plugins import load_for
from watchdog.adapters.notifiers.outcome import ChannelInvalid
from watchdog.adapters.notifiers.slack import SlackAddress
from watchdog.adapters.notifiers.threads import DaemonThreads
from watchdog.adapters.secrets import Redactor
from watchdog.domain.channels import DEFAULT_TOPICS, Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.ports import NotDelivered

if TYPE_CHECKING:
    from apprise import Apprise, AppriseResult, NotifyBase

# Apprise knows more, some of which act on the watchdog's own machine (desktops, syslog) or read its files. rulebook
# refuses the same; here the URL is seen with its secrets put in, which may be all of it. A test keeps the two equal.
ALLOWED_SCHEMES = frozenset(
    {
        *("apprise", "apprises", "discord", "form", "forms", "gchat", "goalert", "goalerts", "gotify", "gotifys"),
        *("incidentio", "json", "jsons", "mailto", "mailtos", "matrix", "matrixs", "mmost", "mmosts", "ntfy", "ntfys"),
        *(
            "opsgenie",
            "pover",
            "rocket",
            "rockets",
            "signal",
            "signals",
            "slack",
            "sns",
            "splunk",
            "squadcast",
            "tgram",
        ),
        *("twilio", "webex", "workflows", "xml", "xmls", "zulip"),
    }
)

_NOTIFY_TYPES: Mapping[Severity, str] = MappingProxyType(
    {
        Severity.INFO: "info",
        Severity.SUCCESS: "success",
        Severity.WARNING: "warning",
        Severity.CRITICAL: "failure",
    }
)
_DEFAULTS = MappingProxyType({"overflow": "truncate"})  # one notice is one message
_SLACK_DEFAULTS = MappingProxyType({"blocks": "yes", "image": "no", "footer": "no"})
# Slack refuses a whole message whose header is longer than 150 characters or whose section is longer than 3,000;
# some are left for the entities that Apprise writes for & < >.
_SLACK_TITLE, _SLACK_BODY = 140, 2700
_SLACK_ROOM = re.compile(r"[+#@]?[A-Za-z0-9_-]{1,32}(:[0-9.]+)?")
_THREADS = 4


class AppriseNotifier:
    """One channel behind one Apprise URL.

    Building it imports Apprise (a third of a second) and raises `ChannelInvalid` for a URL that cannot work.
    Apprise blocks, so each send has a thread of this channel's own, four at a time: a channel that hangs delays no
    other, and a burst waits for its turn. `Retry-After` is not known here: Apprise drops it.
    """

    gathers = True

    def __init__(self, name: str, url: str, *, on: frozenset[Topic] = DEFAULT_TOPICS, deadline: float = 10.0) -> None:
        self.name = name
        self._on = on
        self._deadline = deadline
        self._redact = Redactor(url)
        self._apprise, self._plugin = _load(name, url, deadline)
        self._threads = DaemonThreads(f"channel {name}")
        self._turns = asyncio.Semaphore(_THREADS)

    def __repr__(self) -> str:
        return f"<AppriseNotifier {self.name}: {self._plugin.service_name}>"

    @property
    def slack(self) -> SlackAddress | None:
        """Where this URL leads in Slack, if it can be told there in blocks of our own; else Apprise tells it.

        A workflow's webhook takes no blocks, people are found by their addresses by Apprise alone, and `blocks=no` asks
        for plain messages.
        """
        return _slack_address(self._plugin) if _is_slack(self._plugin) else None

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`."""
        return topic in self._on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Send, once, within the deadline from its turn; raises `NotDelivered`."""
        try:
            async with asyncio.timeout(self._deadline):
                await self._turns.acquire()
        except TimeoutError:
            raise NotDelivered(f"{_THREADS} earlier notices still wait for an answer") from None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline):
                result = await loop.run_in_executor(self._threads, self._in_turn, loop, notice, possible_repeat)
        except TimeoutError:
            # The thread goes on until its sockets time out, and may yet deliver.
            raise NotDelivered(f"no answer within {self._deadline:g} s", unsure=True) from None
        except Exception as error:  # noqa: BLE001 - any of a hundred plugins may raise anything; it means: not told
            raise NotDelivered(f"the channel's plugin failed: {type(error).__name__}", unsure=True) from None
        if not result:
            raise failure([entry.message for entry in result.logs()], self._redact)

    async def close(self) -> None:
        """Nothing is held: a thread that still hangs ends by its own timeouts, or with the process."""

    def _in_turn(self, loop: asyncio.AbstractEventLoop, notice: Notice, possible_repeat: bool) -> "AppriseResult":
        """In a thread, which goes on after the deadline: the turn is over when it ends."""
        try:
            return self._notify(notice, possible_repeat)
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody waits for a turn
                loop.call_soon_threadsafe(self._turns.release)

    def _notify(self, notice: Notice, possible_repeat: bool) -> "AppriseResult":
        from apprise import NotifyFormat  # noqa: PLC0415 - see the class: imported when first needed

        slack = _is_slack(self._plugin)
        title = text.title(notice, possible_repeat=possible_repeat, limit=_SLACK_TITLE if slack else 250)
        render, markup = text.plain, NotifyFormat.TEXT
        if self._plugin.resolve_format(NotifyFormat.MARKDOWN) != NotifyFormat.TEXT:
            render, markup = text.markdown, NotifyFormat.MARKDOWN
        body = render(notice, possible_repeat=possible_repeat, limit=_SLACK_BODY if slack else 30_000)
        return self._apprise.notify(
            body=body or title,
            title=title,
            notify_type=_NOTIFY_TYPES[notice.severity],
            body_format=markup,
            log_level=logging.DEBUG,  # into the result alone: see `_keep_to_itself`
        )


def _load(name: str, url: str, deadline: float) -> "tuple[Apprise, NotifyBase]":
    with _quiet():
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - see AppriseNotifier: imported when first needed

        load_for(url.strip())

    asset = AppriseAsset(
        app_id="rollback-watchdog",
        app_desc="rollback-watchdog",
        async_mode=False,  # in our thread, not in another of Apprise's
        service_timeout=0,  # ours is the deadline; Apprise's would need a second thread
        http_redirects=False,  # a redirect would carry the secrets elsewhere
    )
    apprise = Apprise(asset=asset)
    try:
        with _quiet():
            loaded = Apprise.instantiate(_with_defaults(url, _DEFAULTS), asset=asset)
            if loaded is not None and _is_slack(loaded):
                loaded = Apprise.instantiate(_with_defaults(url, _DEFAULTS | _SLACK_DEFAULTS), asset=asset)
    except ValueError:  # no URL at all; its text may hold the secret
        loaded = None
    if loaded is None or not apprise.add(loaded):
        raise ChannelInvalid(
            f"channel {name}: its URL is not one that Apprise can use; check the secret against the documentation of "
            "its service"
        )
    # Of the plugin, not of the object: some keep there the scheme by which they reach their server.
    schemes = _schemes(type(loaded))
    if not schemes & ALLOWED_SCHEMES:
        scheme = min(schemes, default="this")
        raise ChannelInvalid(f"channel {name}: {scheme}:// is not allowed; allowed are {_listed(ALLOWED_SCHEMES)}")
    if "template" in parse_qs(urlsplit(url).query):
        raise ChannelInvalid(f"channel {name}: `template` is not allowed in its URL: it would send a file's content")
    _keep_to_itself(loaded, deadline)
    return apprise, loaded


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Apprise from logging parts of a URL that it cannot read, and its hundred plugins from deprecations."""
    apprise_log = logging.getLogger("apprise")
    before, apprise_log.disabled = apprise_log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        apprise_log.disabled = before


def _keep_to_itself(plugin: "NotifyBase", deadline: float) -> None:
    """Make the plugin send once, soon, and log nowhere but into its result."""
    # It would sleep between two sends (Slack 1.2 s, PagerDuty 5.5 s) in our thread and use up the deadline. Notices
    # are few, and one that is sent too soon is refused by the service and tried again by the engine, which waits
    # without a thread.
    plugin.request_rate_per_sec = 0
    plugin.retry = 0
    plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, deadline)
    plugin.socket_read_timeout = min(plugin.socket_read_timeout, deadline)
    # Why a send failed is told at level DEBUG only, beside the URL with its secrets. A logger outside of logging's
    # tree brings it into the result, where `failure` picks from it, and into no log.
    private = logging.Logger(f"channel {plugin.service_name}", logging.DEBUG)
    private.addHandler(logging.NullHandler())
    plugin.logger = private


def _schemes(plugin: "type[NotifyBase]") -> frozenset[str]:
    """All schemes that lead to this plugin."""
    known: set[str] = set()
    for name in ("protocol", "secure_protocol"):
        schemes: str | tuple[str, ...] | None = getattr(plugin, name)
        known.update((schemes,) if isinstance(schemes, str) else schemes or ())
    return frozenset(known)


def _is_slack(plugin: "NotifyBase") -> bool:
    return bool(plugin.schema == "slack")


def _slack_address(plugin: Any) -> SlackAddress | None:
    """From what Apprise made of the URL, so that the same URLs mean the same."""
    bot = plugin.mode == "bot"
    if plugin.mode not in ("hook", "gov-hook", "bot") or not plugin.use_blocks:
        return None
    rooms = tuple(None if room is None else _slack_room(room) for room in plugin.channels)
    if any(room == "" for room in rooms):
        return None
    base = plugin.webhook_gov_url if plugin.mode == "gov-hook" else plugin.webhook_url
    hook = f"{base}/{plugin.token_a}/{plugin.token_b}/{plugin.token_c}"
    return SlackAddress(
        url=plugin.api_url.format("chat.postMessage") if bot else hook,
        token=plugin.access_token if bot else "",
        channels=rooms,
        username=plugin.user or "",
    )


def _slack_room(room: str) -> str:
    """A room as Slack's API names it, its thread after a colon; "" for what only Apprise finds."""
    if not _SLACK_ROOM.fullmatch(room):
        return ""
    if room[0] == "+":
        return room[1:]
    return room if room[0] in "#@" else f"#{room}"


def _with_defaults(url: str, defaults: Mapping[str, str]) -> str:
    """The URL with each parameter that it does not give."""
    given: Mapping[str, Any] = parse_qs(urlsplit(url).query, keep_blank_values=True)
    added = "&".join(f"{key}={value}" for key, value in defaults.items() if key not in given)
    if not added:
        return url
    return f"{url}{'&' if '?' in url else '?'}{added}"


def _listed(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))
