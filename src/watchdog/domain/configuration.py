"""When the data of what a target's pods are configured by is a switch: same pods before and after, split by time.

Of the data themselves nobody here knows more than the names of the keys that changed.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain.live import Configured
from watchdog.domain.memory import Memory
from watchdog.domain.noticing import Noticed
from watchdog.domain.reconfigured import MOST_MAPS, Became, ConfigChange, listed
from watchdog.domain.rollout import Stable, SwitchKind, TrafficSwitch


def configured(memory: Memory, seen: Configured, *, bake: timedelta, busy: bool, now: datetime) -> Noticed:
    """Compare what is seen with what is remembered. `busy`: another watch of the target is open."""
    known = memory.configs
    away = tuple(
        ConfigChange(name, seen.versions[name], became=Became.between(known[name], seen.versions[name]))
        for name in sorted(seen.first)
        if known.get(name, seen.versions[name]) != seen.versions[name]
    )
    changed = (*seen.changed, *away)
    after = replace(memory, configs=dict(seen.versions))
    if not changed or memory.idle:
        return Noticed(after)
    if seen.at <= memory.since:
        return Noticed(after, quiet="its configuration changed before what serves was rolled out")
    if busy:
        return Noticed(after, quiet=f"its configuration changed during its watch: {listed(changed)}")
    if now - seen.at >= 2 * bake:
        return Noticed(after, quiet="its configuration changed, seen only after its bake had long ended")
    serving = memory.serving
    switch = TrafficSwitch(
        seen.target, SwitchKind.CONFIG, serving, serving, seen.at, seen.at_is_bound, seen.by, configs=changed
    )
    return Noticed(after, switch, Stable(serving, memory.since, seen.at))


def no_way_back(switch: TrafficSwitch) -> str:
    """Why a changed configuration is not put back, with the command by which a person does."""
    commands = [command for one in switch.configs[:MOST_MAPS] if (command := one.command_back(switch.target.namespace))]
    or_else = f", or: {' && '.join(commands)}" if commands else ""
    return f"an undo cannot bring data back. Changed: {switch.reconfigured}. Apply it as it was{or_else}"
