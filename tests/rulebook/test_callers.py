"""`callers` that say nothing: a target that calls itself, and names that the guard does not guard."""

import pytest

from watchdog.rulebook import check_rules

FILE = """\
version = 1

[guards.shop]
{guarded}
rules    = ["crash"]
channels = ["releases"]

[guards.shop.callers]
{callers}

[rules.crash]
signs = ["crash-loop"]

[channels.releases]
url = "{{{{ secret.URL }}}}"
"""
LISTED = 'targets = ["prod/deployment/brand", "prod/deployment/agent"]'
COLOURS = 'targets = ["prod/deployment/brand", "prod/service/gateway"]'
SELECTED = 'namespaces = ["prod"]\nselector = "app=shop"'


def warned(guarded: str, callers: str) -> list[str]:
    report = check_rules(FILE.format(guarded=guarded, callers=callers))
    assert report.mistakes == ()
    return [str(warning) for warning in report.warnings]


@pytest.mark.parametrize(
    ("guarded", "callers"),
    [
        (LISTED, '"prod/deployment/brand" = ["prod/deployment/agent"]'),
        (COLOURS, '"prod/deployment/brand" = ["prod/deployment/gateway-blue"]'),  # a colour of the Service
        (SELECTED, '"prod/deployment/brand" = ["prod/service/gateway"]'),  # what is selected, the cluster knows
        (
            LISTED,
            '"prod/deployment/brand" = ["x/service/proxy"]\n"x/service/proxy" = ["prod/deployment/agent"]',
        ),
    ],
    ids=["listed", "a colour", "selected", "between two"],
)
def test_names_that_the_guard_may_guard_are_fine(guarded: str, callers: str) -> None:
    assert warned(guarded, callers) == []


def test_a_target_that_calls_itself_is_told() -> None:
    (warning,) = warned(LISTED, '"prod/deployment/brand" = ["prod/deployment/agent", "prod/deployment/brand"]')
    assert warning == (
        "rules.toml:9:1: callers: prod/deployment/brand calls itself; remove it; a release never excuses itself"
    )


@pytest.mark.parametrize(
    ("guarded", "callers", "place", "name", "remedy"),
    [
        (LISTED, '"prod/deployment/brand" = ["prod/deployment/agnet"]', "9:28", "prod/deployment/agnet",
         'did you mean "prod/deployment/agent"?'),
        (LISTED, '"prod/deployment/brand" = ["prod/service/agent"]', "9:28", "prod/service/agent",
         'did you mean "prod/deployment/agent"?'),
        (LISTED, '"prod/deployment/billing" = ["prod/deployment/agent"]', "9:1", "prod/deployment/billing",
         "name targets of this guard, or leave it out"),
        (COLOURS, '"prod/deployment/brand" = ["other/deployment/gateway-blue"]', "9:28",
         "other/deployment/gateway-blue", 'did you mean "prod/service/gateway"?'),
        (SELECTED, '"prod/deployment/brand" = ["prd/service/gateway"]', "9:28", "prd/service/gateway",
         "name targets of this guard, or leave it out"),
    ],
    ids=["misspelt", "another kind", "a target", "another namespace", "a namespace that is not looked in"],
)  # fmt: skip
def test_a_name_that_the_guard_cannot_guard_is_told_where_it_stands(
    guarded: str, callers: str, place: str, name: str, remedy: str
) -> None:
    line = 9 + guarded.count("\n")
    (warning,) = warned(guarded, callers)
    place = place.replace("9:", f"{line}:", 1)
    assert warning == (
        f"rules.toml:{place}: callers: the guard does not guard {name}, so it is no peer of anything; {remedy}"
    )
