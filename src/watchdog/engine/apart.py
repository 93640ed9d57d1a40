"""The answer to a question about many revisions, taken apart again: which series is whose."""

import re
from collections.abc import Callable, Mapping, Sequence

from watchdog.domain.measurement import Answer, Series
from watchdog.engine.questions import Asked
from watchdog.engine.standing_in import PODS
from watchdog.engine.templates import Template

_OF_REVISION = re.compile(r"(?P<prefix>[a-z0-9-]+-)\[a-z0-9\]\+")  # as `Revision.pods_pattern` writes most
_WHOLE = re.compile(rf"\{{\{{\s*{PODS}\s*\}}\}}")

Owners = Callable[[Mapping[str, str]], Sequence[Asked]]


def taken_apart(template: Template, asked: Sequence[Asked], answer: Answer) -> Mapping[Asked, Answer]:
    """For each that was asked about its own series."""
    if len(asked) == 1:
        return {asked[0]: answer}
    owners_of = _owners(template, asked)
    known: dict[tuple[str | None, ...], Sequence[Asked]] = {}
    parts: dict[Asked, list[Series]] = {one: [] for one in asked}
    told_apart_by = [label for label, _ in template.pod_labels]
    if template.namespace_label is not None:
        told_apart_by.append(template.namespace_label)
    for series in answer.series:
        named = tuple(map(series.labels.get, told_apart_by))
        if (owners := known.get(named)) is None:
            owners = known[named] = owners_of(series.labels)
        for owner in owners:
            parts[owner].append(series)
    return {one: Answer(answer.query, tuple(found)) for one, found in parts.items()}


def _owners(template: Template, asked: Sequence[Asked]) -> Owners:
    """Who asked about a series. Of pods that are named as usual it is looked up; all other expressions are tried."""
    place = template.namespace_label
    label, pattern = template.pod_labels[0]
    looked_up: dict[tuple[str, str], list[Asked]] = {}
    tried: list[Asked] = []
    for one in asked:
        usual = _OF_REVISION.fullmatch(one.pods) if _WHOLE.fullmatch(pattern) else None
        if usual is None:
            tried.append(one)
        else:
            looked_up.setdefault((one.namespace, usual["prefix"]), []).append(one)

    def owners_of(labels: Mapping[str, str]) -> Sequence[Asked]:
        namespace = labels.get(place, "") if place is not None else ""
        if label not in labels:  # it tells of no pod, so it may be anybody's
            return [one for one in asked if one.namespace == namespace and template.belongs(labels, one.pods)]
        before, dash, last = labels[label].rpartition("-")
        found = looked_up.get((namespace, before + dash), ()) if last.isascii() and last.isalnum() else ()
        return [
            *(one for one in found if last == last.lower()),
            *(one for one in tried if one.namespace == namespace and template.belongs(labels, one.pods)),
        ]

    return owners_of
