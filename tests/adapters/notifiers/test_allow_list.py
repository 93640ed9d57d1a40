"""What a rules file, or a secret that it names, can make the watchdog do: write to channels, and nothing else."""

import apprise
import pytest

from adapters.notifiers.standin import AT
from cli.test_no_secret_is_shown import URLS
from watchdog.adapters.notifiers import ChannelInvalid, build
from watchdog.domain.channels import Channel, Topic
from watchdog.rulebook.channel_urls import SCHEMES, parse_url
from watchdog.rulebook.mistakes import Fault
from watchdog.simulator.clock import SimulatedClock

# Loading every plugin imports a module or two that Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# They run programs, write files, log, or speak on the machine itself, in Apprise or in a version of it to come.
ON_THIS_MACHINE = (
    "file:///etc/passwd", "syslog://", "dbus://", "qt://", "kde://", "glib://", "gnome://", "windows://", "macosx://",
    "exec:///bin/sh", "script:///bin/sh", "cmd://id", "python://x", "custom://x", "http://127.0.0.1:1/",
    "https://169.254.169.254/latest/meta-data", "kodi://127.0.0.1", "smtp://127.0.0.1", "mqtt://127.0.0.1/topic",
    "rsyslog://127.0.0.1", "fcm://project@key/?keyfile=/etc/passwd", "vapid://a@example.com?keyfile=/etc/passwd",
)  # fmt: skip


def channel(url: str) -> Channel:
    return Channel("releases", on=frozenset({Topic.PASSED}), url=url)


async def built(url: str) -> None:
    notifier = build(channel("{{ secret.URL }}"), lambda _: url, SimulatedClock(AT))
    await notifier.close()


@pytest.mark.parametrize("url", ON_THIS_MACHINE)
async def test_what_acts_on_this_machine_is_refused_in_the_file_and_in_a_secret(url: str) -> None:
    with pytest.raises(Fault):
        parse_url(url)
    with pytest.raises(ChannelInvalid, match=r"not allowed|not one that Apprise can use"):
        await built(url)


def every_other_scheme() -> set[str]:
    """All that this version of Apprise knows, but for other names of what is allowed."""
    known: set[str] = set()
    for plugin in apprise.Apprise().details()["schemas"]:
        schemes = {*(plugin["protocols"] or ()), *(plugin["secure_protocols"] or ())}
        known |= schemes if not schemes & set(SCHEMES) else set()
    return known


async def test_whatever_else_apprise_knows_is_refused_in_the_file_and_in_a_secret() -> None:
    others = sorted(every_other_scheme())
    assert len(others) > 100
    for scheme in others:
        with pytest.raises(Fault):
            parse_url(f"{scheme}://{{{{ secret.A }}}}")
        # As their documentation writes them: a host, tokens of letters and digits, a target.
        for rest in (
            "127.0.0.1/a/b/c",
            "user:password1@127.0.0.1:8080/path",
            "a1b2c3d4e5f6a7b8c9d0/a1b2c3d4e5f6/#room",
        ):
            with pytest.raises(ChannelInvalid):
                await built(f"{scheme}://{rest}")


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_each_allowed_scheme_can_be_used(scheme: str) -> None:
    await built(URLS[scheme])


@pytest.mark.parametrize(
    "url", ["json://[::1", "json://[x]/", "slack://abcdefgh", "://abcdefgh", "jsonx://" + "a" * 100_000]
)
async def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ChannelInvalid) as refused:
        await built(url)
    assert url.partition("://")[2] not in str(refused.value)
    assert len(str(refused.value)) < 1000
