"""`[brakes]`: how often is rolled back at most."""

from datetime import timedelta

import pytest

from rulebook.texts import a_text
from watchdog.domain.brakes import BRAKES, Brake, Brakes
from watchdog.rulebook import check_rules, read_rules


def with_brakes(text: str) -> str:
    return a_text(rest=f"[brakes]\n{text}\n")


def test_without_a_table_there_are_brakes_all_the_same() -> None:
    assert (
        read_rules(a_text()).brakes == BRAKES == Brakes(Brake(3, timedelta(minutes=10)), Brake(2, timedelta(hours=1)))
    )


def test_each_is_read_and_what_is_absent_is_the_default() -> None:
    assert read_rules(with_brakes('all = "12 in 1h30m"')).brakes == Brakes(every=Brake(12, timedelta(minutes=90)))
    assert read_rules(with_brakes('target = "1 in 7d"')).brakes == Brakes(target=Brake(1, timedelta(days=7)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('all = "3"', 'write a number, " in " and a duration'),
        ('all = "0 in 10m"', "lets nothing through"),
        ('all = "3 in ten minutes"', "no brake"),
        ('all = "3 in 10x"', "no duration"),
        ('all = "3 in 8d"', "out of bounds"),
        ('all = "3 in 0s"', "out of bounds"),
        ("all = 3", "not a brake"),
        ('every = "3 in 10m"', "no key of [brakes]"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(text: str, said: str) -> None:
    report = check_rules(with_brakes(text))
    assert report.rulebook is None
    assert any(said in str(mistake) for mistake in report.mistakes), [str(one) for one in report.mistakes]
