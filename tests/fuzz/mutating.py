"""JSON that is nearly right: a good document with some of its values exchanged, dropped or blown up."""

import copy
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("WATCHDOG_FUZZ_EXAMPLES", "60"))
"""Few in the fast suite; `python -m fuzz` (`make fuzz`) asks for more, over and over."""

FUZZ = settings(
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    # In the suite the same examples each time: what is new is looked for by `make fuzz`, seed by seed.
    derandomize="WATCHDOG_FUZZ_EXAMPLES" not in os.environ,
)
SLOWLY = settings(FUZZ, max_examples=max(10, EXAMPLES // 5))

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**63, -(2**70), 1e308, "", " ", "NaN", "+Inf", "-Inf", "0x10", "1e999", "-1",
    "2026-02-30T25:61:61Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999+23:59", "\x00", "\u202e\x1b[2J\n",
    "A" * 5000, "{{ pods }}", [], {}, [None], {"": None}, [[[[]]]], {"a": {"b": {"c": []}}},
]  # fmt: skip
ANYTHING = st.recursive(
    st.sampled_from(ODD) | st.text(max_size=20) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)

Path = tuple[str | int, ...]


def paths(document: Any, so_far: Path = ()) -> list[Path]:
    """Where something stands in it."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    found = [so_far] if so_far else []
    for key, value in items:
        found += paths(value, (*so_far, key))
    return found


@st.composite
def mutants(draw: st.DrawFn, good: Any, *, most: int = 4, within: int = 0) -> Any:
    """`good` with up to `most` places changed, none of them above depth `within`."""
    document = copy.deepcopy(good)
    for _ in range(draw(st.integers(0, most))):
        deep = [path for path in paths(document) if len(path) > within]
        if not deep:
            break
        *above, last = draw(st.sampled_from(deep))
        holder = document
        for key in above:
            holder = holder[key]
        match draw(st.sampled_from(("put", "put", "drop", "twice"))):
            case "put":
                holder[last] = copy.deepcopy(draw(ANYTHING))  # or a later change would change what is drawn from
            case "drop":
                del holder[last]
            case "twice" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[last]))
    return document


# What every API server looks at before it stores an object: these are there, and are what they should be.
LOOKED_AT = frozenset({
    "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "kind", "apiVersion", "lastTransitionTime",
    "startTime", "startedAt", "finishedAt", "time", "cpu", "memory", "type", "status", "operation", "manager",
    "metadata", "spec", "template", "selector", "matchLabels", "containers", "object", "conditions", "podIP",
})  # fmt: skip


@st.composite
def valid(draw: st.DrawFn, good: Any, *, most: int = 4) -> Any:
    """`good` with up to `most` places changed into what an API server would store as well: other texts, less, empty."""
    document = copy.deepcopy(good)
    for _ in range(draw(st.integers(0, most))):
        # Nothing in a list is emptied: a container without a name is not stored either.
        free = [path for path in paths(document) if path[-1] not in LOOKED_AT and isinstance(path[-1], str)]
        *above, last = draw(st.sampled_from(free))
        holder = document
        for key in above:
            holder = holder[key]
        value = holder[last]
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[last]
        elif isinstance(value, str):
            holder[last] = draw(st.sampled_from([one for one in ODD if isinstance(one, str)]) | st.text(max_size=20))
        elif isinstance(value, bool):
            holder[last] = not value
        elif isinstance(value, int):
            holder[last] = draw(st.integers(0, 2**31 - 1))
        elif isinstance(value, list | dict):
            value.clear()
    return document


def garbled(raw: bytes) -> st.SearchStrategy[bytes]:
    """The bytes, or a part of them, or with something in between."""
    cut = st.integers(0, len(raw))
    return (
        st.just(raw)
        | cut.map(lambda at: raw[:at])
        | st.tuples(cut, st.binary(max_size=12)).map(lambda both: raw[: both[0]] + both[1] + raw[both[0] :])
        | st.binary(max_size=60)
    )
