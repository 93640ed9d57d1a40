"""Builders of rules files, so that a test says only what it is about."""

from watchdog.domain.rules import Guard, Rule, Rulebook
from watchdog.rulebook import Report, check_rules, read_rules

GUARD = """
[guards.shop]
namespaces = ["production"]
selector   = "app=shop"
rules      = ["r"]
channels   = ["releases"]
preset     = "fastapi"
"""
RULE = """
[rules.r]
when = "http_error_rate > 5%"
"""
CHANNEL = """
[channels.releases]
url = "{{ secret.SLACK_URL }}"
"""


def a_text(guard: str = "", rule: str = RULE, channel: str = CHANNEL, rest: str = "") -> str:
    """A valid file, with more keys for its guard, another rule or channel, and more tables."""
    return f"version = 1\n{GUARD}{guard}\n{rule}\n{channel}\n{rest}"


def a_rule(keys: str) -> str:
    """The table of the guard's only rule."""
    return f"[rules.r]\n{keys}\n"


def the_guard(text: str) -> Guard:
    """The only guard of a valid file."""
    (guard,) = read_rules(text).guards
    return guard


def the_rule(text: str) -> Rule:
    """The only rule of the only guard of a valid file."""
    (rule,) = the_guard(text).rules
    return rule


def messages(text: str) -> list[str]:
    """What a file's mistakes say, without their places."""
    return [mistake.message for mistake in check_rules(text).mistakes]


def valid(report: Report) -> Rulebook:
    """The rulebook of a report that has one."""
    assert report.mistakes == ()
    assert report.rulebook is not None
    return report.rulebook
