"""Whose a pod was when, as the looks at its target tell."""

from datetime import UTC, datetime, timedelta

from watchdog.domain.live import Pod
from watchdog.domain.measurement import Answer, Series
from watchdog.domain.rollout import Revision, Target, TargetKind, exactly
from watchdog.engine.questions import Instant, Subject, question_of
from watchdog.engine.staying import Stays, while_staying

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DB = Target.parse("production/statefulset/db")
OLD = Revision("db", "5d4f", pods="db-[0-9]+", kind=TargetKind.STATEFULSET)
NEW = Revision("db", "78dc", pods="db-[0-9]+", kind=TargetKind.STATEFULSET)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def pod(name: str, made: float) -> Pod:
    return Pod(name, f"{name}-{made}", at(made))


def test_a_pods_stay_ends_where_one_of_its_name_is_made_for_another_revision() -> None:
    stays = Stays()
    stays.saw(OLD, [pod("db-0", -900), pod("db-1", -900)])
    stays.saw(NEW, [])
    stays.saw(OLD, [pod("db-0", -900)])
    stays.saw(NEW, [pod("db-1", 30)])
    assert stays.of(OLD) == {"db-0": (at(-900), None), "db-1": (at(-900), at(30))}
    assert stays.of(NEW) == {"db-1": (at(30), None)}


def test_one_that_is_put_back_stays_again_from_when_it_was_made_anew() -> None:
    stays = Stays()
    stays.saw(OLD, [pod("db-0", -900)])
    stays.saw(NEW, [pod("db-0", 30)])
    stays.saw(OLD, [pod("db-0", 90)])
    assert stays.of(OLD) == {"db-0": (at(90), None)}
    assert stays.of(NEW) == {"db-0": (at(30), at(90))}


def test_a_pod_that_was_evicted_and_made_again_for_the_same_revision_stays() -> None:
    stays = Stays()
    stays.saw(NEW, [pod("db-0", 30)])
    stays.saw(NEW, [])
    stays.saw(NEW, [pod("db-0", 60)])
    assert stays.of(NEW) == {"db-0": (at(30), None)}


def test_questions_name_the_pods_and_of_no_pods_find_none() -> None:
    asked = 'max by (pod) (queue{pod=~"{{ pods }}"})'
    stays = {"db-2": (at(30), None), "db-1": (at(60), None)}
    some = question_of(asked, Subject(DB, NEW, {}, NOON, stays=stays), Instant(0.0))
    assert some.query == 'max by (pod) (queue{pod=~"(?:db-1|db-2)"})'
    none = question_of(asked, Subject(DB, NEW, {}, NOON, stays={}), Instant(0.0))
    assert none.query == 'max by (pod) (queue{pod=~"-"})'
    assert exactly(["a.b"]) == "a[.]b"


def test_what_a_gauge_showed_before_the_stay_is_left_out() -> None:
    subject = Subject(DB, NEW, {}, NOON, stays={"db-1": (at(60), at(120))})
    question = question_of('queue{pod=~"{{ pods }}"}', subject, Instant(0.0))
    samples = tuple((at(seconds).timestamp(), float(seconds)) for seconds in (30, 60, 90, 120))
    answer = Answer("q", (Series({"pod": "db-1"}, samples), Series({"pod": "db-9"}, samples), Series({}, samples)))
    kept = while_staying(answer, question, subject)
    assert isinstance(kept, Answer)
    assert [(dict(one.labels), [value for _, value in one.samples]) for one in kept.series] == [
        ({"pod": "db-1"}, [60.0, 90.0]),
        ({}, [30.0, 60.0, 90.0, 120.0]),
    ]
    named = Subject(DB, Revision("db", "78dc"), {}, NOON)
    assert while_staying(answer, question, named) is answer
