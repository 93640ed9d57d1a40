"""What differs between two revisions, said in words that give no value away."""

from dataclasses import replace

import pytest

from watchdog.domain.changes import MOST_CHANGES, Changes, Description, changes

BEFORE = Description(parts={"api image": "shop:v1", "api environment": ("A", "B"), "api limits": "memory 64Mi"})


def lines(**parts: str | tuple[str, ...]) -> tuple[str, ...]:
    return changes(BEFORE, Description(parts={name.replace("_", " "): part for name, part in parts.items()})).lines


def test_what_is_the_same_is_not_said() -> None:
    assert changes(BEFORE, BEFORE) == Changes()


def test_values_are_told_with_what_they_were_and_names_as_come_and_gone() -> None:
    assert lines(api_image="shop:v2", api_environment=("B", "C"), api_readiness_probe="GET / on 80") == (
        "api image: shop:v1, now shop:v2",
        "api environment: added C, removed A",
        "api limits: memory 64Mi, now none",
        "api readiness probe: GET / on 80 (there was none)",
    )


def test_another_order_of_names_is_no_change() -> None:
    assert lines(api_image="shop:v1", api_environment=("B", "A"), api_limits="memory 64Mi") == ()


def test_where_one_of_them_is_not_known_nothing_is_said() -> None:
    assert changes(Description(), BEFORE) == changes(BEFORE, Description()) == Changes()


def test_very_many_and_very_long_changes_are_cut() -> None:
    many = Description(parts={f"c{n} image": "x" * 1000 for n in range(MOST_CHANGES + 3)})
    told = changes(BEFORE, many).lines
    assert len(told) == MOST_CHANGES + 1
    assert told[-1] == "and 6 more"
    assert max(map(len, told)) < 300


def compared(source: str, before: str = "1111111", after: str = "2222222", was: str = "") -> str:
    old = replace(BEFORE, source=was or source, commit=before)
    return changes(old, replace(BEFORE, source=source, commit=after)).commits


@pytest.mark.parametrize(
    ("source", "page"),
    [
        ("https://git.example.com/shop/api", "https://git.example.com/shop/api/compare/1111111...2222222"),
        ("https://git.example.com/shop/api.git/", "https://git.example.com/shop/api/compare/1111111...2222222"),
        ("https://gitlab.example.com/shop", "https://gitlab.example.com/shop/-/compare/1111111...2222222"),
        ("git@example.com:shop/api.git", ""),
        ("javascript:alert(1)", ""),
        ("https://user:secret@git.example.com/shop", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_the_commits_in_between_are_linked_where_the_source_is_a_web_address(source: str, page: str) -> None:
    assert compared(source) == page


@pytest.mark.parametrize(
    ("commit", "page"),
    [
        ("https://git.example.com/shop/commit/2222222", "https://git.example.com/shop/commit/2222222"),
        ("http://git.example.com:8443/x", "http://git.example.com:8443/x"),
        ("javascript:alert(1)", ""),
        ("https://user:secret@git.example.com/shop", ""),
        ("https://git.example.com/shop?token=secret", ""),
        ('https://git.example.com/"><script>', ""),
        ("https://git.example.com/\u202e", ""),
        (f"https://git.example.com/{'x' * 3000}", ""),
    ],
)
def test_a_commit_that_is_a_web_page_is_linked_as_it_is_if_it_is_a_harmless_one(commit: str, page: str) -> None:
    assert compared("", after=commit) == page
    assert compared("", before=commit, after=commit) == ""


def test_commits_that_are_none_or_of_two_places_are_not_linked() -> None:
    source = "https://git.example.com/shop"
    assert compared(source, after="main") == ""
    assert compared(source, before="1111111", after="1111111") == ""
    assert compared(source, was="https://git.example.com/other") == ""
