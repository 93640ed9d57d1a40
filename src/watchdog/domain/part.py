"""Which part of the traffic a candidate has, and which step of its release that is, as people are told it."""

from watchdog.domain.reading import Record, mapping
from watchdog.domain.state import Watch


def of_traffic(share: float) -> str:
    """`5 % of the traffic`; `share` from 0 to 1."""
    return f"{100 * share:.3g} % of the traffic"


def weight_of(watch: Watch) -> dict[str, float] | None:
    """The share that the candidate has by the target's own weights, and the number of the step, 1 for the switch.

    None where nothing is shared, or traffic was put back.
    """
    if watch.switch.part is None or watch.acted_at is not None:
        return None
    steps = [one for one in watch.steps if one.route == watch.switch.target.name]
    return {"share": steps[-1].share if steps else watch.switch.part, "step": len(steps) + 1}


def part_of(watch: Watch) -> str:
    """`25 % of the traffic, step 2`; "" where nothing is shared."""
    return _said(weight_of(watch) or {})


def part_told(record: Record) -> str:
    """The same, of a record; "" also of one that was written before records told it."""
    return _said(mapping(record.get("weight")))


def _said(weight: Record) -> str:
    share, step = weight.get("share"), weight.get("step")
    if not isinstance(share, int | float) or not isinstance(step, int):
        return ""
    return of_traffic(share) + (f", step {step}" if step > 1 else "")
