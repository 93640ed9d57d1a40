"""`config = true` where it can do nothing is warned of, where it stands."""

import pytest

from watchdog.rulebook import check_rules

RULES = """
version = 1

[guards.shop]
{covers}
rules  = ["crash"]
channels = ["releases"]
config = {config}

[rules.crash]
signs = ["crash-loop"]

[channels.releases]
url = "{{{{ secret.SLACK_URL }}}}"
"""
SELECTED = 'namespaces = ["production"]\nselector = "tier=web"\n'


def warned(covers: str, config: str = "true") -> list[str]:
    report = check_rules(RULES.format(covers=covers, config=config))
    assert not report.mistakes, report.mistakes
    return [str(one) for one in report.warnings]


@pytest.mark.parametrize(
    ("covers", "line", "what"),
    [
        (SELECTED + 'kinds = ["statefulset"]', 10, "StatefulSets"),
        (SELECTED + 'kinds = ["httproute", "daemonset"]', 10, "DaemonSets and HTTPRoutes"),
        ('targets = ["production/daemonset/agent"]', 8, "DaemonSets"),
    ],
)
def test_it_is_said_with_its_place_where_nothing_covered_is_looked_at(covers: str, line: int, what: str) -> None:
    (said,) = warned(covers)
    assert f"{line}:10" in said
    assert f"config = true does nothing here: the configuration of {what} is not looked at" in said
    assert "deployment, service, rollout" in said


@pytest.mark.parametrize(
    ("covers", "config"),
    [
        (SELECTED, "true"),
        (SELECTED + 'kinds = ["statefulset"]', "false"),
        (SELECTED + 'kinds = ["statefulset", "deployment"]', "true"),
        ('targets = ["production/daemonset/agent", "production/rollout/search"]', "true"),
    ],
)
def test_nothing_is_said_where_it_does_something_or_is_off(covers: str, config: str) -> None:
    assert warned(covers, config) == []
