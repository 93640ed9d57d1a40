"""One question about many revisions, as few queries as are not too long; by names where these are known."""

from collections.abc import Sequence

from watchdog.domain.rollout import either
from watchdog.engine.questions import Asked, When, promql
from watchdog.engine.standing_in import NAMESPACE, PODS, stand_in, with_stand_ins
from watchdog.engine.templates import Template

LONGEST_QUERY = 14_000
"""Characters of a query about several revisions. VictoriaMetrics takes 16 KiB; Prometheus, Thanos and Mimir set no
bound, and would have to compile a longer expression."""


def chunks_of(template: Template, asked: Sequence[Asked], largest: int) -> list[list[Asked]]:
    """Who is asked about in one query. Those with names apart from the others, whose expressions would spoil theirs,
    unless they are few: a query more costs more than that."""
    named = [one for one in asked if one.names]
    if 2 * len(named) < len(asked):
        return _split(template, [one._replace(names="") for one in asked], largest)
    return _split(template, named, largest) + _split(template, [one for one in asked if not one.names], largest)


def _split(template: Template, asked: Sequence[Asked], largest: int) -> list[list[Asked]]:
    text = with_stand_ins(template.text)
    for_pods, for_namespaces = text.count(stand_in(PODS)), text.count(stand_in(NAMESPACE))
    chunks: list[list[Asked]] = []
    room, namespaces = 0, set[str]()
    for one in asked:
        needed = for_pods * (len(one.names or one.pods) + 1)
        needed += 0 if one.namespace in namespaces else for_namespaces * (len(one.namespace) + 1)
        if needed > room or len(chunks[-1]) >= largest:
            chunks.append([])
            room, namespaces = LONGEST_QUERY - len(text), set()
            needed = for_pods * (len(one.names or one.pods) + 1) + for_namespaces * (len(one.namespace) + 1)
        room -= needed
        namespaces.add(one.namespace)
        chunks[-1].append(one)
    return chunks


def text_of(template: Template, asked: Sequence[Asked], when: When) -> str:
    """The query for all of them, who have names or have none."""
    namespaces = sorted({one.namespace for one in asked if one.namespace})
    pods = "|".join([one.names for one in asked]) if asked[0].names else either(sorted({one.pods for one in asked}))
    return promql(template, pods, when, namespaces)
