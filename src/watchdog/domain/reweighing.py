"""Which weights a route is to have, so that one of its backends gets the part of the traffic that is asked for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchdog.domain.flipping import Aim, FlipCheck, Objection
from watchdog.domain.rollout import RUNNER, Backend, Target

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class RouteNow:
    """A route, as the API server has it, and who stands behind its weights."""

    target: Target
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    backends: tuple[Backend, ...]
    names: Mapping[str, tuple[str, ...]]  # by what people call each backend, by where it stands
    whole: int = 0  # what the weights of a rule must add up to; 0: whatever they add up to

    @property
    def selector(self) -> Mapping[str, str]:
        """Its weights, as those of a flip."""
        return {one.at: str(one.weight) for one in self.backends}

    def aimed(self, to: str, weight: int | None) -> Aim | Objection:
        """The weights by which `to` gets `weight` percent; the others keep their proportions among themselves."""
        mine = [one for one in self.backends if to in (one.at, *self.names.get(one.at, ())) or _runs(one, to)]
        behind = {one.revision.workload for one in mine if one.revision is not None}
        if not mine:
            there = ", ".join(sorted({names[0] for names in self.names.values() if names}))
            return Objection(FlipCheck.NO_SUCH_COLOUR, f"{self.target} has no backend {to!r}; there are {there}")
        if len(behind) != 1 or any(one.revision is None for one in mine):
            found = " and ".join(sorted(behind)) or "no Deployment, or several"
            return Objection(FlipCheck.NO_SUCH_COLOUR, f"{to} is {found}: it cannot be told what would serve")
        wanted = _PERCENT if weight is None else weight
        after = dict(self.selector)
        rules: dict[str, list[Backend]] = defaultdict(list)
        for one in self.backends:
            rules[one.rule].append(one)
        for rule in sorted({one.rule for one in mine}):
            own = [one for one in rules[rule] if one in mine]
            if not wanted and not any(one.weight for one in own):
                continue  # it has nothing already, whoever has
            others = [one for one in rules[rule] if one not in mine]
            if wanted < _PERCENT and not any(one.weight > 0 for one in others):
                return Objection(FlipCheck.NO_SUCH_COLOUR, self._nobody_else(to, rule, others, _PERCENT - wanted))
            after |= _shared(rules[rule], own, wanted, self.whole)
        serving = {one.revision.workload for one in self.backends if one.weight and one.revision is not None}
        gaining = [one for one in self.backends if _gains(one, rules[one.rule], after)]
        known = {one.revision.workload for one in gaining if one.revision is not None}
        unknown = {self._called(one) for one in gaining if one.revision is None}
        return Aim(behind.pop(), tuple(sorted(serving)), after, tuple(sorted(known)), tuple(sorted(unknown)))

    def _nobody_else(self, to: str, rule: str, others: Sequence[Backend], rest: int) -> str:
        """Why the rest of a rule's traffic cannot be shared out, with what could be asked for instead."""
        if not others:
            return f"{to} is the only backend of rule {rule}: nothing else could have the rest"
        names = [f"--to {self._called(one)} --weight {rest}" for one in others if one.revision is not None]
        instead = f"name the one that is to get it: {' or '.join(names)}" if names else "none of them can be told"
        return f"no other backend of rule {rule} has any traffic: nobody says who gets the other {rest} %; {instead}"

    def _called(self, one: Backend) -> str:
        return next(iter(self.names.get(one.at, ())), one.at)


def _gains(one: Backend, rule: Sequence[Backend], after: Mapping[str, str]) -> bool:
    """Whether it gets a greater part of its rule's traffic than it has."""
    now, then = sum(max(0, each.weight) for each in rule), sum(int(after[each.at]) for each in rule)
    return int(after[one.at]) * now > max(0, one.weight) * then or (not now and int(after[one.at]) > 0)


def _runs(one: Backend, to: str) -> bool:
    return one.revision is not None and to == f"{RUNNER}/{one.revision.workload}"


def _shared(rule: Sequence[Backend], mine: Sequence[Backend], percent: int, whole: int) -> dict[str, str]:
    """The weights of a rule, whose sum stays what it is, or is 100 where that would be too coarse."""
    total = sum(max(0, one.weight) for one in rule)
    base = whole or max(_PERCENT, total)
    part = round(base * percent / _PERCENT)
    others = [one for one in rule if one not in mine]
    return _split(mine, part) | _split(others, base - part)


def _split(among: Sequence[Backend], weight: int) -> dict[str, str]:
    """By their present proportions: what has nothing gets nothing. Equally, where none has any."""
    having = [one for one in among if one.weight > 0] or among
    before = sum(max(0, one.weight) for one in among)
    left, parts = weight, {one.at: "0" for one in among}
    for place, one in enumerate(having):
        ratio = one.weight / before if before else 1.0 / len(having)
        share = left if place == len(having) - 1 else min(left, round(weight * ratio))
        parts[one.at] = str(share)
        left -= share
    return parts
