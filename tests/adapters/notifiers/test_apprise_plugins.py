"""Of Apprise's plugins only those are loaded that somebody asks for."""

import subprocess
import sys

import pytest

from watchdog.adapters.notifiers.apprise_channel import ALLOWED_SCHEMES
from watchdog.adapters.notifiers.apprise_plugins import MODULES, NATIVE
from watchdog.rulebook.channel_urls import NATIVE_HOSTS

SLACK = "https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx"


def run(script: str) -> str:
    """In a process of its own: what Apprise has loaded is the process's."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOADED = """
import sys
from watchdog.adapters.notifiers.apprise_channel import AppriseNotifier
for url in {urls!r}:
    print(AppriseNotifier("c", url)._plugin.service_name)
parts = [name.split(".") for name in sys.modules if name.startswith("apprise.plugins.")]
print(sorted(part[2] for part in parts if len(part) == 3))
"""


def test_every_allowed_scheme_and_host_has_its_plugin() -> None:
    assert set(MODULES) == ALLOWED_SCHEMES
    assert set(NATIVE) == set(NATIVE_HOSTS)


def test_the_table_says_where_apprise_has_them() -> None:
    found = run(
        "from apprise.manager_plugins import NotificationManager\n"
        "from watchdog.adapters.notifiers.apprise_plugins import MODULES\n"
        "manager = NotificationManager()\n"
        "manager.load_modules()\n"
        "where = {scheme: manager[scheme].__module__.split('.')[2] for scheme in MODULES}\n"
        "print({scheme: where[scheme] for scheme in MODULES if where[scheme] != MODULES[scheme]})"
    )
    assert found == "{}"


def test_a_slack_channel_loads_the_slack_plugin_alone() -> None:
    assert run(LOADED.format(urls=[SLACK])).splitlines() == ["Slack", "['base', 'slack']"]


def test_each_further_channel_adds_its_own() -> None:
    told = run(LOADED.format(urls=[SLACK, "json://localhost:1", "ntfy://topic"])).splitlines()
    assert told == ["Slack", "JSON", "ntfy", "['base', 'custom_json', 'ntfy', 'slack']"]


def test_nothing_guesses_the_encoding_of_an_answer_that_is_read_as_utf_8() -> None:
    found = run(
        "import sys\n"
        "from watchdog.adapters.notifiers.apprise_plugins import load_for\n"
        f"load_for({SLACK!r})\n"
        "import requests\n"
        "answer = requests.Response()\n"
        "answer._content = 'grün'.encode()\n"
        "print(ascii(answer.text), 'charset_normalizer' in sys.modules, 'chardet' in sys.modules)"
    )
    assert found == "'gr\\xfcn' False False"


@pytest.mark.parametrize("url", ["https://example.org/hook", "syslog://"])
def test_what_is_not_allowed_is_refused_as_before(url: str) -> None:
    script = (
        "from watchdog.adapters.notifiers.apprise_channel import AppriseNotifier\n"
        "from watchdog.adapters.notifiers.outcome import ChannelInvalid\n"
        f"AppriseNotifier('c', {SLACK!r})\n"
        f"try:\n    AppriseNotifier('c', {url!r})\nexcept ChannelInvalid as error:\n    print(error)"
    )
    assert "channel c: " in run(script)
