"""How a guard's confidence is shared by its rules: what each may leave to chance."""

from collections.abc import Mapping
from dataclasses import replace

from watchdog.domain.conditions import Threshold
from watchdog.domain.judge.harmless import bets_on
from watchdog.domain.rules import Budget, Rule
from watchdog.rulebook.guard_keys import GUARD_CONFIDENCE
from watchdog.rulebook.rule_keys import RULE_CONFIDENCE
from watchdog.rulebook.rule_tables import RuleTable
from watchdog.rulebook.tables import Fields
from watchdog.rulebook.values import OFF


def with_confidence(rules: tuple[Rule, ...], guard: Fields, tables: Mapping[str, RuleTable]) -> tuple[Rule, ...]:
    """The guard's rules with their `alpha`. A rule's own comes out first; the others share the rest equally."""
    weighed = [rule.name for rule in rules if _is_weighed(rule)]
    own = {name: value for name in weighed if (value := tables[name].fields.get(RULE_CONFIDENCE)) is not None}
    sharing = [name for name in weighed if name not in own]
    whole = guard.get(GUARD_CONFIDENCE)
    rest = whole - sum(value for value in own.values() if value != OFF)
    if sharing and whole != OFF and rest <= 1e-12 and guard.fine(GUARD_CONFIDENCE):
        message = f"the rules' own confidence leaves nothing of the guard's {_percent(whole)} for {', '.join(sharing)}"
        remedy = 'write a lower confidence for the guard, as in "99%", or a higher one for the rules'
        guard.mistakes.add(guard.at(GUARD_CONFIDENCE), message, remedy)
        return rules
    shared = OFF if whole == OFF else rest / max(1, len(sharing))
    alphas = {name: own.get(name, shared) for name in weighed}
    return tuple(replace(rule, alpha=alpha) if (alpha := alphas.get(rule.name, OFF)) != OFF else rule for rule in rules)


def _is_weighed(rule: Rule) -> bool:
    return isinstance(rule.check, Budget) or (isinstance(rule.check, Threshold) and bets_on(rule.check))


def _percent(alpha: float) -> str:
    return f"{100 * (1 - alpha):.10g}%"
