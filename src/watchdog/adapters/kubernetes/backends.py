"""The weights of a route, whatever kind of object holds them: how each is called, how those from before come back.

A rule is one of a route's lists of backends, which share the traffic that the rule matches.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """One weight of a route, as it stands there."""

    at: str  # RULE/NAME
    weight: int
    service: str  # of the route's own namespace; "" for what is no such Service
    subset: str = ""  # of the Service's pods, where not all are meant

    @property
    def rule(self) -> str:
        """The rule that it is one of."""
        return self.at.partition("/")[0]


def named(rule: object, name: str, taken: Sequence[str]) -> str:
    """`RULE/NAME`, with a number behind it where the rule has two of that name."""
    at = f"{rule}/{name}"
    again = sum(one == at or one.startswith(f"{at}#") for one in taken)
    return f"{at}#{again + 1}" if again else at


def called(one: Reference) -> tuple[str, ...]:
    """What people call a backend, beside where it stands: its subset, its Service, or its name with the port."""
    return tuple(dict.fromkeys(filter(None, (one.subset or one.service, one.at.partition("/")[2]))))


def reweighed(
    rules: Sequence[Json], key: str, path: str, references: Sequence[Reference], weights: Mapping[str, int]
) -> list[Json]:
    """The operations that give the backends under `key` of rules that lie at `path` other weights."""
    paths = [
        f"{path}/{place}/{key}/{number}/weight"
        for place, rule in enumerate(rules)
        for number, _ in enumerate(rule.get(key) or [])
    ]
    return [
        {"op": "add", "path": where, "value": weights[one.at]}
        for where, one in zip(paths, references, strict=True)
        if one.at in weights and one.weight != weights[one.at]
    ]


def _by_rule(references: Sequence[Reference]) -> Mapping[str, list[Reference]]:
    rules: dict[str, list[Reference]] = defaultdict(list)
    for one in references:
        rules[one.rule].append(one)
    return rules


def weights_before(references: Sequence[Reference], before: Mapping[str, str]) -> dict[str, int]:
    """What each of a route's weights is to be, by those from before; a rule that was not there then stays as it is."""
    return {
        one.at: int(before.get(one.at, "0"))
        for rule in _by_rule(references).values()
        if any(other.at in before for other in rule)
        for one in rule
    }


def unrestorable(references: Sequence[Reference], before: Mapping[str, str]) -> str:
    """Why the weights from before cannot be set, as people are told; "" where they can."""
    there = {one.at for one in references}
    gone = sorted(at for at, weight in before.items() if at not in there and int(weight))
    if gone:
        wanted = ", ".join(f"{at.partition('/')[2]} with weight {before[at]}" for at in gone)
        return f"it no longer names what served before; add {wanted}"
    new = sorted(rule for rule, some in _by_rule(references).items() if not any(one.at in before for one in some))
    if new:
        return f"rule {', '.join(new)} was not there before the first step: nobody knows what it would go back to"
    return ""
