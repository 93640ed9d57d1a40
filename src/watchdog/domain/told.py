"""What an earlier process told of a watch's measurements, for the record of whoever goes on with it.

A record's `state` leaves out what Prometheus remembers. But after the act the candidate is not measured again, and
after the end nobody is: what was measured by then stands in the earlier record alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from watchdog.domain.state import Track, Watch

_RECOVERY = "recovery"
_MEASURED = ("path", "met", "bets", "blocks_of_a_bake", _RECOVERY)


def with_told(track: Track, document: Mapping[str, Any]) -> Track:
    """The track of a watch that is read back, with what its record has of the rule's measurements."""
    rules = document.get("rules")
    told = rules.get(track.rule.name) if isinstance(rules, Mapping) else None
    if not isinstance(told, Mapping):
        return track
    return replace(track, told={key: told[key] for key in _MEASURED if key in told})


def told_before(watch: Watch, track: Track) -> dict[str, Any]:
    """What the record goes on to tell of a rule, as long as this process has measured nothing in its place."""
    if track.told is None:
        return {}
    recovery = any(one.rule.name == track.rule.name and one.path for one in watch.recovery_tracks)
    return {key: value for key, value in track.told.items() if not (recovery if key == _RECOVERY else track.path)}
