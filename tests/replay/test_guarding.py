"""Whose a target is where no metric shows its labels: what the guard that watched it selected by held for it."""

from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.backtest.history import RULES

from watchdog.domain.rollout import Revision, Target
from watchdog.domain.rules import Guard
from watchdog.replay.courses import Course, Serving
from watchdog.replay.entries import Entry
from watchdog.replay.guarding import covers, guarded, unguarded, unnoticed
from watchdog.replay.report import Severity
from watchdog.rulebook import read_rules

SELECTED = 'selector   = "app.kubernetes.io/part-of=plasma-engine"'
TARGET = Target.parse("production/ingress/shop-canary")
BEGIN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NEW = Revision("shop-green", "6d5f8b9c7d")


def a_guard(selector: str, name: str = "services", kind: str = "ingress") -> Guard:
    text = RULES.replace(SELECTED, f'selector = "{selector}"\nkinds = ["{kind}"]')
    return read_rules(text.replace("[guards.services]", f"[guards.{name}]")).guards[0]


def a_course(then: Guard | None) -> Course:
    return Course(TARGET, {}, (Serving(NEW, BEGIN),), guard=then)


@pytest.mark.parametrize(
    ("then", "now", "covered"),
    [
        ("app=shop", "app=shop", True),
        ("app=shop, tier=web", "app=shop", True),
        ("app=shop", "app in (shop, cart)", True),
        ("app=shop", "app!=shop", False),
        ("app=shop", "app=cart", False),
        ("app=shop", "app", True),
        ("app=shop", "!app", False),
        ("app in (shop, cart)", "app notin (cart)", True),  # nothing tells: its name is not cart
        ("app notin (shop)", "app=shop", False),
        ("app notin (shop, cart)", "app!=cart", True),
        ("!app", "app=shop", False),
        ("!app", "!app", True),
        ("app", "!app", False),
        ("tier=web", "app=shop", False),  # nothing tells: its name is shop-canary
        ("tier=web", "team=a", True),  # nothing tells, nor could its name
    ],
)
def test_what_a_guard_selected_by_on_record_tells_whether_another_selects_it(
    then: str, now: str, covered: bool
) -> None:
    assert covers(a_guard(now, "others"), a_course(a_guard(then))) is covered


def test_the_guard_of_the_same_name_is_believed_where_nothing_tells_otherwise() -> None:
    then = a_course(a_guard("tier=web"))
    assert covers(a_guard("app=shop"), then)
    assert not covers(a_guard("tier=db"), then)
    assert not covers(a_guard("app=shop", kind="httproute"), then)
    assert not covers(a_guard("app=shop"), a_course(None))  # by its name alone


def test_what_is_left_out_is_counted_and_named_and_what_no_guard_reaches_is_no_fault() -> None:
    rules = read_rules(RULES.replace(SELECTED, 'selector = "app=shop"\nkinds = ["ingress"]'))
    now = BEGIN + timedelta(days=1)
    carts = [Target.parse(f"production/ingress/cart-{index}") for index in range(6)]
    listed = [Entry(one, BEGIN, NEW, source="records") for one in carts]
    elsewhere = [
        Entry(Target.parse("staging/ingress/cart"), BEGIN, NEW, source=source) for source in ("records", "list")
    ]
    (note,) = unguarded(rules, listed, {}, BEGIN, now)
    assert note.severity is Severity.WARNING
    assert note.text.startswith(
        "6 listed switches of production/ingress/cart-0, production/ingress/cart-1, production/ingress/cart-2, "
        "production/ingress/cart-3 and 2 more left out: no guard of this file selects them, as far as"
    )
    assert [one.severity for one in unguarded(rules, elsewhere[:1], {}, BEGIN, now)] == [Severity.INFO]
    (note,) = unguarded(rules, elsewhere[1:], {}, BEGIN, now)
    assert (note.severity, note.text) == (
        Severity.WARNING,
        "1 listed switch of staging/ingress/cart left out: no guard of this file covers them",
    )
    guard = rules.guards[0]
    assert unguarded(rules, listed, dict.fromkeys(carts, guard), BEGIN, now) == []
    assert unguarded(rules, listed, {}, BEGIN + timedelta(hours=1), now) == []  # not of this time


def test_a_listed_switch_that_nothing_came_before_is_said_not_to_be_replayed() -> None:
    now = BEGIN + timedelta(days=1)
    entry = Entry(Target.parse("production/deployment/brand"), BEGIN, NEW, source="list")
    guards = {entry.target: a_guard("app=shop")}
    (note,) = unnoticed([entry], guards, [], BEGIN, now, {})
    assert note.text == (
        "1 listed switch of production/deployment/brand left out: nothing tells what served before; write previous"
    )
    later = Entry(entry.target, BEGIN + timedelta(hours=1), NEW, source="list")
    first, second = unnoticed([entry, later], guards, [], BEGIN, now, {})
    assert (first.severity, second.severity) == (Severity.WARNING, Severity.INFO)
    assert "under these rules live opens no watch of its own" in second.text


def test_of_two_guards_that_may_cover_it_the_recorded_one_does() -> None:
    both = RULES + RULES[RULES.index("[guards.services]") : RULES.index("[rules.")].replace("services", "others")
    text = both.replace(SELECTED, 'selector = "team=a"\nkinds = ["ingress"]', 1)
    rules = read_rules(text.replace(SELECTED, 'selector = "team=b"\nkinds = ["ingress"]'))
    found, notes = guarded(rules, [a_course(a_guard("tier=web", "others"))])
    assert [guard.name for guard in found.values()] == ["others"]
    assert notes == ()
    found, notes = guarded(rules, [a_course(None)])
    assert (found, notes[0].text) == ({}, "guards services and others both match: left out")
