"""Of which rule, of which guard, on which target a finding is, and where in rules.toml that stands."""

from dataclasses import dataclass

from watchdog.domain.conditions import Threshold
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Budget, Guard, Probe, Rule
from watchdog.rulebook import Places
from watchdog.survey.findings import Finding, Kind, Level


@dataclass(frozen=True, slots=True)
class About:
    """What a finding is about; `target` None: none is known."""

    guard: Guard
    rule: Rule
    target: Target | None
    places: Places

    def finding(self, kind: Kind, level: Level, message: str, remedy: str, *keys: str) -> Finding:
        """A finding at the first of these keys that the metric's own table has, else at the rule's condition."""
        targets = () if self.target is None else (str(self.target),)
        return Finding(kind, level, message, remedy, *self._place(keys), targets=targets)

    @property
    def level(self) -> Level:
        """How bad it is that the rule cannot fire: one that is not required keeps no watch from passing."""
        return Level.ERROR if self.rule.required else Level.WARNING

    def blind(self, why: str, remedy: str, *keys: str) -> Finding:
        """The rule measures nothing."""
        return self.finding(Kind.BLIND_RULE, self.level, f"rule {self.rule.name} is blind: {why}", remedy, *keys)

    def _place(self, keys: tuple[str, ...]) -> tuple[int, int]:
        metric = _metric(self.rule)
        for key in keys if metric else ():
            for table in (("guards", self.guard.name, "metrics", metric), ("metrics", metric)):
                place = self.places.find(*table, key)
                if place is not None:
                    return place
        where = {Threshold: "when", Budget: "budget", Probe: "probe"}.get(type(self.rule.check), "alerts")
        return self.places.of("rules", self.rule.name, where)


def _metric(rule: Rule) -> str:
    match rule.check:
        case Threshold(metric=metric) | Budget(threshold=Threshold(metric=metric)):
            return metric.name
    return ""
