"""What is told as one, and how it reads."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builders import a_target, a_watch, at
from watchdog.domain.channels import Topic
from watchdog.domain.digest import ALONE, STORM, digest, family, patience
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.telling import notice


def told(number: int, topic: Topic = Topic.HELD, severity: Severity = Severity.CRITICAL) -> Notice:
    watch = f"w{number}"
    target = str(a_target(f"service-{number}"))
    own = notice(a_watch(), topic, at(number))
    return replace(own, id=f"{watch}/{topic}", watch=watch, target=target, title=f"{target} is bad", severity=severity)


def test_ten_notices_of_a_guard_read_as_one_story() -> None:
    one = digest([told(number) for number in range(10)])
    assert one.title == (
        "10 targets of guard shop break their rules, but nothing was done: production/deployment/service-0, "
        "production/deployment/service-1, production/deployment/service-2 and 7 more"
    ).replace("guard shop", f"guard {one.facts['guard']}")
    assert one.lines[3] == "production/deployment/service-3 is bad (watchdog explain w3)"
    assert len(one.lines) == 10
    assert (one.watch, one.target, one.topic, one.at) == ("", "", Topic.HELD, at(9))
    assert one.facts["targets"] == "10"


def test_a_hundred_are_listed_in_part_and_counted_whole() -> None:
    one = digest([told(number) for number in range(100)])
    assert one.title.startswith("100 targets")
    assert one.lines[-1] == "and 75 more: watchdog history"
    assert len(one.lines) == 26


def test_one_alone_is_told_as_it_is() -> None:
    assert digest([told(1)]) == told(1)


def test_the_same_notices_are_the_same_digest_in_whatever_order() -> None:
    first, second = told(1), told(2)
    assert digest([first, second]).id == digest([second, first]).id
    assert digest([first, second]).id != digest([first, told(3)]).id


def test_a_digest_is_as_loud_as_its_loudest() -> None:
    quiet, loud = told(1, severity=Severity.WARNING), told(2, severity=Severity.CRITICAL)
    assert digest([quiet, loud]).severity is Severity.CRITICAL


def test_only_the_same_news_of_the_same_guard_belong_together() -> None:
    assert family(told(1)) == family(told(2))
    assert family(told(1)) != family(told(1, Topic.FAILED))
    assert family(replace(told(1), facts={"guard": "other"})) != family(told(1))
    assert family(replace(told(1), watch="")) is None
    assert family(replace(told(1), facts={})) is None


def test_a_storm_is_gathered_for_a_minute_and_one_alone_waits_a_quarter_of_it() -> None:
    assert [patience(count) for count in (1, 2, 10)] == [ALONE, STORM, STORM]


@given(
    topic=st.sampled_from([topic for topic in Topic if topic not in (Topic.RULES_INVALID, Topic.UNGUARDED)]),
    count=st.integers(2, 40),
)
def test_whatever_a_watch_tells_can_be_told_of_many(topic: Topic, count: int) -> None:
    notices = [told(number, topic) for number in range(count)]
    assert family(notices[0]) is not None
    one = digest(notices)
    assert one.title.startswith(f"{count} targets of guard ")
    assert "\n" not in one.title
