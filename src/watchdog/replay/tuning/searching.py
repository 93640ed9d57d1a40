"""Looks for better values, rule by rule. A change is suggested only where it costs nothing on the replayed past.

Better is: fewer bad releases missed or fewer clean ones rolled back, with none more of the other; or the same sooner.
All rules are looked at together: a bad release that another rule catches anyway is not missed. A stricter value needs
room: the next stricter one tried must not be wrong more often either, or it lies on an edge. A lower confidence is
tried and shown, never suggested.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from watchdog.domain.conditions import Threshold
from watchdog.domain.rules import Rule, Rulebook
from watchdog.replay.tuning.candidates import Axis, Candidate, axis_of, candidates, now
from watchdog.replay.tuning.observing import Observations, RuleKey, breaches_under, forgets
from watchdog.replay.tuning.scoring import Score, as_written, score
from watchdog.replay.tuning.wording import at_an_edge, compared, nothing_better, too_few, unsupported
from watchdog.rulebook import RulesError, read_rules
from watchdog.rulebook.editing import Edit, NotEditable, edited

FEWEST_BAD = 3
FEWEST_CLEAN = 20
FEWEST_FOR_TIME = 60
_SOONER = 15.0  # seconds that a change must gain, where it changes anything, to be worth it
_LATER = 60.0  # seconds that fewer false alarms may cost
_COMBINED = 2  # of the limits and of the `for`s that are tried together

Breaches = dict[str, dict[str, datetime | None]]


@dataclass(frozen=True, slots=True)
class Tried:
    """One setting of a rule and how all rules together would have done with it."""

    values: tuple[Candidate, ...]  # () is what is written
    score: Score


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is said of one rule. `values` is empty where it should stay as it is; `reason` says why, in one line."""

    rule: str
    values: tuple[Candidate, ...]
    reason: str
    front: tuple[Tried, ...] = ()  # no other setting tried is better in something and worse in nothing

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The changes of the file's text."""
        return tuple(value.edit(self.rule) for value in self.values)


def search(text: str, seen: Observations, *, tried: Callable[[], None] = lambda: None) -> tuple[Suggestion, ...]:
    """One suggestion for each rule that a guard uses, in the file's order. `tried` is called after each setting."""
    return _Search(text, seen, tried).run()


def count_of(rulebook: Rulebook) -> int:
    """About how many settings a search tries."""
    return sum(len(list(candidates(rule))) + _COMBINED**2 for rule in _by_name(rulebook).values())


class _Search:
    def __init__(self, text: str, seen: Observations, tried: Callable[[], None]) -> None:
        self._text = text
        self._seen = seen
        self._observed = seen.seen
        self._tried = tried
        self._rules = _by_name(read_rules(text))
        self._breaches: Breaches = as_written(self._observed, list(self._rules))
        self._taken: list[Edit] = []

    def run(self) -> tuple[Suggestion, ...]:
        found = {name: self._suggested(name, rule) for name, rule in sorted(self._rules.items(), key=self._wrong)}
        return tuple(found[name] for name in self._rules)

    def _wrong(self, item: tuple[str, Rule]) -> int:
        """The rule that is wrong most often comes first: what the others are worth depends on it."""
        clean = {each.id for each in self._observed if not each.bad}
        return -sum(1 for switch, at in self._breaches[item[0]].items() if at is not None and switch in clean)

    def _suggested(self, name: str, rule: Rule) -> Suggestion:
        why_not = self._why_not(name, rule)
        if why_not:
            return Suggestion(name, (), why_not)
        current = Tried((), score(self._observed, self._breaches))
        settings = [*self._settings(name, rule)]
        best = self._best(rule, current, settings)
        front = _front([current, *settings])
        if best is None:
            return Suggestion(name, (), self._why_it_stays(rule, current, settings), front)
        self._taken += [value.edit(name) for value in best.values]
        self._breaches[name] = breaches_under(self._observed, self._changed([]), name)
        return Suggestion(name, best.values, compared(_changes(rule, best), current.score, best.score), front)

    def _why_not(self, name: str, rule: Rule) -> str:
        if not isinstance(rule.check, Threshold):
            return "no condition whose limit could be another"
        if not any(name in each.tracks for each in self._observed):
            blind = next((why for (_, rule), why in self._seen.blind.items() if rule == name), "nothing was replayed")
            return f"could not be replayed: {blind}"
        if forgets(self._observed, name):
            return "its watches are longer than the blocks that are kept, and cannot be judged again"
        bad = sum(1 for each in self._observed if each.bad and name in each.tracks)
        clean = sum(1 for each in self._observed if not each.bad and name in each.tracks)
        return too_few(bad, clean, FEWEST_BAD, FEWEST_CLEAN) if bad < FEWEST_BAD or clean < FEWEST_CLEAN else ""

    def _settings(self, name: str, rule: Rule) -> Iterator[Tried]:
        """Each value alone, then the best limits with the best `for`s."""
        single = [one for value in candidates(rule) if (one := self._try(name, (value,))) is not None]
        yield from single
        best = {
            axis: sorted((one for one in single if one.values[0].axis == axis), key=lambda one: one.score.costs)
            for axis in ("limit", "for")
        }
        for limit, hold in product(best["limit"][:_COMBINED], best["for"][:_COMBINED]):
            both = self._try(name, (*limit.values, *hold.values))
            if both is not None:
                yield both

    def _try(self, name: str, values: tuple[Candidate, ...]) -> Tried | None:
        """None where the file would not be valid, as with a confidence that leaves nothing for the other rules."""
        self._tried()
        try:
            rules = self._changed([value.edit(name) for value in values])
        except (RulesError, NotEditable):
            return None
        breaches = {**self._breaches, name: breaches_under(self._observed, rules, name)}
        return Tried(values, score(self._observed, breaches))

    def _changed(self, edits: Sequence[Edit]) -> Mapping[RuleKey, Rule]:
        book = read_rules(edited(self._text, [*self._taken, *edits]))
        return {(guard.name, rule.name): rule for guard in book.guards for rule in guard.rules}

    def _why_it_stays(self, rule: Rule, current: Tried, settings: Sequence[Tried]) -> str:
        """Nothing is better; or something is, which the data do not bear out."""
        tempting = [
            one
            for one in settings
            if one.score.no_worse(current.score)
            and _is_gain(current.score, one.score, fewest=0)
            and not any(_lowers_a_promise(rule, value) for value in one.values)
        ]
        if not tempting:
            return nothing_better(len(settings), current.score)
        roomy = [one for one in tempting if all(_has_room(rule, value, current, settings) for value in one.values)]
        best = min(roomy or tempting, key=lambda one: _order(rule, one, current, settings))
        what = compared(_changes(rule, best), current.score, best.score)
        return unsupported(what, best.score.clean, FEWEST_FOR_TIME) if roomy else at_an_edge(what)

    def _best(self, rule: Rule, current: Tried, settings: Sequence[Tried]) -> Tried | None:
        worth = [
            one
            for one in settings
            if one.score.no_worse(current.score)
            and _is_gain(current.score, one.score)
            and not any(_lowers_a_promise(rule, value) for value in one.values)
            and all(_has_room(rule, value, current, settings) for value in one.values)
        ]
        return min(worth, key=lambda one: _order(rule, one, current, settings), default=None)


def _changes(rule: Rule, one: Tried) -> list[tuple[str, str, str]]:
    return [(value.axis, now(rule, value.axis)[0], value.shown) for value in one.values]


def _is_gain(before: Score, after: Score, *, fewest: int = FEWEST_FOR_TIME) -> bool:
    if after.missed < before.missed:
        return True
    sooner, _ = after.gains(before)
    if after.false_alarms < before.false_alarms:
        return sooner >= -_LATER
    # Sooner alone: with fewer clean deploys than this, "no more false alarms" may still mean one in ten.
    return after.clean >= fewest and sooner >= _SOONER


def _lowers_a_promise(rule: Rule, value: Candidate) -> bool:
    """Whether it asks for less confidence: one in a thousand is promised, and no past is long enough to measure it."""
    return value.axis == "confidence" and value.strictness > now(rule, "confidence")[1]


def _has_room(rule: Rule, value: Candidate, current: Tried, settings: Sequence[Tried]) -> bool:
    """Whether a stricter value is no edge: the next stricter one is not wrong more often than what is written."""
    if value.strictness < now(rule, value.axis)[1]:
        return True
    alone = _alone(settings)
    stricter = [each for each in axis_of(list(alone), value.axis) if each.strictness > value.strictness]
    if not stricter:
        return False
    return alone[stricter[0]].false_alarms <= current.score.false_alarms


def _at_the_brink(rule: Rule, value: Candidate, score: Score, current: Tried, settings: Sequence[Tried]) -> bool:
    """Whether a stricter value only just catches what it does: the next laxer one would miss more."""
    was = now(rule, value.axis)[1]
    if value.strictness < was:
        return False
    alone = _alone(settings)
    laxer = [each for each in axis_of(list(alone), value.axis) if was < each.strictness < value.strictness]
    return (alone[laxer[-1]] if laxer else current.score).missed > score.missed


def _alone(settings: Sequence[Tried]) -> dict[Candidate, Score]:
    return {one.values[0]: one.score for one in settings if len(one.values) == 1}


def _order(rule: Rule, one: Tried, current: Tried, settings: Sequence[Tried]) -> tuple[int, int, int, int, int, float]:
    """What is best; among equals what has a margin, then the smallest change. Seconds count in steps worth a change."""
    missed, false_alarms, seconds = one.score.costs
    brink = sum(_at_the_brink(rule, value, one.score, current, settings) for value in one.values)
    distance = sum(_distance(rule, value.axis, value.strictness) for value in one.values)
    steps = round(seconds / _SOONER) if one.score.clean >= FEWEST_FOR_TIME else 0
    return missed, false_alarms, steps, brink, len(one.values), distance


def _distance(rule: Rule, axis: Axis, strictness: float) -> float:
    was = now(rule, axis)[1]
    return abs(strictness - was) / max(abs(strictness), abs(was), 1e-12)


def _front(settings: Sequence[Tried]) -> tuple[Tried, ...]:
    """The settings that no other beats, each score once: the one with the fewest changes."""
    best: dict[tuple[int, int, float], Tried] = {}
    for one in settings:
        if not any(other.score.dominates(one.score) for other in settings):
            best.setdefault(one.score.costs, one)
    return tuple(sorted(best.values(), key=lambda one: one.score.costs))


def _by_name(rulebook: Rulebook) -> dict[str, Rule]:
    """The rules that guards use, each name once, in the order of their first use."""
    found: dict[str, Rule] = {}
    for guard in rulebook.guards:
        for rule in guard.rules:
            found.setdefault(rule.name, rule)
    return found
