"""Where in a rules file things stand, for what is found out about them later."""

import pytest

from rulebook.texts import a_text
from watchdog.rulebook import check_rules
from watchdog.rulebook.places import NOWHERE

TEXT = a_text(
    guard='targets = [\n  "production/deployment/a",\n  "production/deployment/b",\n]\n',
    rest='[guards.shop.metrics.own]\nkind = "ratio"\n',
)


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (("guards", "shop"), "shop]"),
        (("guards", "shop", "selector"), '"app=shop"'),
        (("guards", "shop", "targets", 1), '"production/deployment/b"'),
        (("guards", "shop", "metrics", "own", "kind"), '"ratio"'),
        (("rules", "r", "when"), '"http_error_rate'),
        (("channels", "releases", "url"), '"{{ secret.SLACK_URL }}"'),
    ],
)
def test_a_value_is_found_where_it_begins_and_a_table_at_its_name(path: tuple[str | int, ...], begins: str) -> None:
    line, column = check_rules(TEXT).places.of(*path)
    assert TEXT.splitlines()[line - 1][column - 1 :].startswith(begins)


def test_what_is_not_written_stands_where_what_is_around_it_does() -> None:
    places = check_rules(TEXT).places
    assert places.find("guards", "shop", "bake") is None
    assert places.of("guards", "shop", "bake") == places.of("guards", "shop")
    assert places.of("guards", "shop", "targets", 7) == places.of("guards", "shop", "targets")
    assert places.of("guards", "nobody") == places.of("guards")
    assert places.of("nothing") == places.of() == NOWHERE


def test_of_what_is_no_toml_no_place_is_known() -> None:
    assert check_rules("version = ").places.of("version") == NOWHERE


def test_places_are_those_of_the_file_with_windows_line_ends_too() -> None:
    windows = check_rules(TEXT.replace("\n", "\r\n")).places
    assert windows.of("rules", "r", "when") == check_rules(TEXT).places.of("rules", "r", "when")
