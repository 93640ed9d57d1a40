"""A guard's `config = true` where nothing that it covers has its configuration looked at."""

from watchdog.domain.rollout import TargetKind
from watchdog.domain.text import in_words
from watchdog.rulebook import guard_keys as keys
from watchdog.rulebook.tables import Fields


def check_config(fields: Fields) -> None:
    """Warn of it, at the flag: the guard is right without it."""
    if not fields.has(keys.CONFIG) or not fields.fine(keys.CONFIG, keys.KINDS, keys.TARGETS):
        return
    named = {target.kind for target in fields.get(keys.TARGETS)}
    covered = named or (set(fields.get(keys.KINDS)) if fields.has(keys.SELECTOR) else set())
    if not fields.get(keys.CONFIG) or not covered or any(kind.configured for kind in covered):
        return
    kinds = in_words(sorted(kind.plural for kind in covered))
    seen = ", ".join(kind for kind in TargetKind if kind.configured)
    fields.mistakes.warn(
        fields.at(keys.CONFIG),
        f"config = true does nothing here: the configuration of {kinds} is not looked at",
        f"remove it, or guard what it works for: {seen}",
    )
