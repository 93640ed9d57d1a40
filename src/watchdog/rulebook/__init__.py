"""rules.toml: read into the domain's rules, or refused with every mistake at its place."""

from watchdog.rulebook.json_schema import schema
from watchdog.rulebook.mistakes import Mistake, RulesError
from watchdog.rulebook.places import Places
from watchdog.rulebook.reading import Report, check_rules, read_rules

__all__ = ["Mistake", "Places", "Report", "RulesError", "check_rules", "read_rules", "schema"]
