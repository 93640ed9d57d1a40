"""Channels: which URLs are allowed, and that no secret gets into the file."""

import apprise
import pytest

from rulebook.texts import a_text, messages, valid
from watchdog.domain.channels import Alertmanager, CloudEvents
from watchdog.rulebook import check_rules
from watchdog.rulebook.channel_urls import (
    SCHEMES,
    parse_source,
    parse_url,
    parse_web_address,
    parse_web_page,
    secret_named,
)
from watchdog.rulebook.mistakes import Fault


@pytest.mark.parametrize(
    "url",
    [
        "{{ secret.SLACK_URL }}",
        "{{secret.slack}}",
        "slack://{{ secret.A }}/{{ secret.B }}/{{ secret.C }}/#releases-production-2024",
        "https://hooks.slack.com/services/{{ secret.SLACK_PATH }}",
        "https://prod-12.westeurope.logic.azure.com:443/workflows/{{ secret.PATH }}",
        "discord://{{ secret.ID }}/{{ secret.TOKEN }}",
        "mailtos://releases:{{ secret.SMTP }}@mail.example.org?to=oncall@example.org",
        "mailto://mail.example.org?from=watchdog@example.org",
        "jsons://audit-7d9c8b6f54abcdef0123.example.org/rollbacks",
        "ntfys://ntfy.example.org/releases?priority=high",
        "tgram://{{ secret.BOT }}/{{ secret.CHAT }}",
        "mmosts://chat.example.org/{{ secret.HOOK }}?channel=releases&token={{ secret.T }}",
        "SLACK://{{ secret.ALL }}",
    ],
)
def test_an_allowed_url_with_named_secrets_is_taken_as_it_is(url: str) -> None:
    assert parse_url(url) == url


@pytest.mark.parametrize(
    ("url", "index", "message"),
    [
        ("", 0, '"" is no URL'),
        ("file:///etc/passwd", 0, '"file://" is no allowed scheme'),
        ("syslog://", 0, '"syslog://" is no allowed scheme'),
        ("http://hooks.slack.com/services/x", 0, "http:// is understood for"),
        ("https://user@hooks.slack.com/x", 0, "https:// is understood for"),
        ("https://evil-discord.com/x", 0, "https:// is understood for"),
        ("https://discord.com:x@evil.example.org/x", 0, "https:// is understood for"),
        ("msteams://{{ secret.X }}", 0, "Microsoft has ended"),
        ("jsons://[::1", 0, '"jsons://…" is no URL'),
        ("slack://{{ secret.A }", 8, "a placeholder is not closed"),
        ("slack://{{ secret.A-B }}", 8, "{{ secret.A-B }} is no secret's name"),
        ("discord://4174216298/{{ secret.T }}/x?token=abc", 38, "the URL holds a literal token"),
        ("discord://123456789012345678/{{ secret.T }}", 10, "the URL holds what looks like a secret"),
        ("jsons://host.example.org/0b0c0d0e-1111-2222-3333-444455556666", 25, "the URL holds what looks like a secret"),
        ("webex://abcd1234efgh5678", 8, "the URL holds what looks like a secret"),
    ],
)
def test_any_other_url_is_refused_at_its_place(url: str, index: int, message: str) -> None:
    with pytest.raises(Fault) as error:
        parse_url(url)
    assert (error.value.index, error.value.message[: len(message)]) == (index, message)


def test_no_refusal_repeats_the_secret() -> None:
    secret = "abcd1234efgh5678ijkl"
    for url in (
        f"slack://{secret}",
        f"jsons://user:{secret}@host",
        f"{secret}{secret}",
        f"jsons://host?token={secret}",
    ):
        with pytest.raises(Fault) as error:
            parse_url(url)
        assert secret not in str(error.value)


def test_a_routing_key_is_a_named_secret() -> None:
    assert secret_named("routing key", "PAGERDUTY_KEY")("{{ secret.KEY }}") == "{{ secret.KEY }}"
    for key in ("", "x{{ secret.KEY }}", "0123456789abcdef0123456789abcdef"):
        with pytest.raises(Fault):
            secret_named("routing key", "PAGERDUTY_KEY")(key)


# Loading every plugin imports a module or two that Python is about to drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_allowed_scheme_is_one_that_apprise_knows() -> None:
    known = set()
    for plugin in apprise.Apprise().details()["schemas"]:
        known |= {*(plugin["protocols"] or ()), *(plugin["secure_protocols"] or ())}
    assert set(SCHEMES) <= known


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "https://discordapp.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "https://chat.googleapis.com/v1/spaces/AAA/messages?key=abc&token=def",
        "https://prod-1.x.logic.azure.com:443/workflows/643e69f83c8944/triggers/manual/paths/invoke?sp=%2F&sv=1.0&sig=KODuebWbDGYFr0z0eu",
    ],
)
def test_every_webhook_address_that_is_allowed_is_one_that_apprise_takes(url: str) -> None:
    assert apprise.Apprise().add(url)


@pytest.mark.parametrize(
    "url",
    [
        "slack://xoxb-123456789012-abcdefghijkl",
        "https://hooks.slack.com/services/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",
        "pover://user@token",
        "jsons://audit.example.org/path?+Authorization=Bearer%20abc",
    ],
)
def test_a_url_that_lets_its_reader_in_is_a_secret_whatever_it_looks_like(url: str) -> None:
    with pytest.raises(Fault) as raised:
        parse_url(url)
    assert "secrets never stand in rules.toml" in raised.value.remedy


def test_what_only_a_dry_run_tells_is_no_topic_of_the_file() -> None:
    text = a_text(channel='[channels.releases]\nurl = "{{ secret.SLACK_URL }}"\non = ["held", "would-roll-back"]\n')
    [message] = messages(text)
    assert "would-roll-back" in message


@pytest.mark.parametrize(
    "url",
    [
        "http://alertmanager.monitoring:9093",
        "https://hooks.example.org/releases?v=1",
        "https://hooks.example.org/{{ secret.PATH }}",
        "{{ secret.HOOK_URL }}",
        "http://[fd00::1]:9093/alertmanager",
    ],
)
def test_a_web_address_whose_secrets_are_named_is_taken_as_it_is(url: str) -> None:
    assert parse_web_address(url) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("alertmanager:9093", "is no web address"),
        ("ftp://host/x", "is no web address"),
        ("https://user:abcd1234@host/x", "is no web address"),
        ("https://host/x y", "is no web address"),
        ("https://host?token=abc", "the URL holds a literal token"),
        ("https://host/T024BE7LDB024BE7LF", "the URL holds what looks like a secret"),
        ("https://{{ env.X }}/", "is no secret's name"),
        ("file:///etc/passwd", "is no web address"),
    ],
)
def test_any_other_web_address_is_refused(url: str, message: str) -> None:
    with pytest.raises(Fault) as raised:
        parse_web_address(url)
    assert message in raised.value.message
    assert "abcd1234" not in str(raised.value)


def test_a_runbook_is_a_page_and_a_source_a_uri_reference() -> None:
    assert parse_web_page("https://wiki.example.org/x#y") == "https://wiki.example.org/x#y"
    assert parse_source("/clusters/eu") == "/clusters/eu"
    for wrong in ("javascript:alert(1)", "wiki", "https://wiki.example.org/ x"):
        with pytest.raises(Fault):
            parse_web_page(wrong)
    for wrong in ("", "with blank", "line\nend", "ü"):
        with pytest.raises(Fault):
            parse_source(wrong)


def test_a_channel_leads_to_the_place_that_its_table_names() -> None:
    text = a_text(
        channel="""
[channels.releases]
alertmanager = { url = "http://alertmanager:9093", token = "{{ secret.T }}", labels = { team = "shop" } }

[channels.programs]
cloudevents = { url = "https://hooks.example.org/x", key = "{{ secret.K }}" }
"""
    )
    alerts, programs = valid(check_rules(text)).channels
    assert alerts.alertmanager == Alertmanager("http://alertmanager:9093", "{{ secret.T }}", {"team": "shop"})
    assert programs.cloudevents == CloudEvents("https://hooks.example.org/x", "{{ secret.K }}", "/rollback-watchdog")
    assert (alerts.kind, programs.kind) == ("alertmanager", "cloudevents")
