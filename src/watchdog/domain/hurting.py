"""Where a breached rule hurts, in one sentence for people: which part of the traffic, which pods, on which node.

Nothing is said where nothing can be: of too few failures, of a metric that tells no parts apart.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from watchdog.domain.conditions import Dimension, HistogramMetric, RatioMetric
from watchdog.domain.counting import Increase
from watchdog.domain.judge.quantiles import bound_above, slower_than
from watchdog.domain.judge.verdict import number
from watchdog.domain.measurement import Firing, PodValues
from watchdog.domain.rules import Alerts, Probe, Signs
from watchdog.domain.selections import SCRAPE_LABELS
from watchdog.domain.slices import METHODS, ROUTES, Carried, Cell, Located, Share
from watchdog.domain.state import Slice, Track, Watch
from watchdog.domain.tallies import histograms
from watchdog.domain.text import cut, printable

Nodes = Mapping[str, str]
"""On which node each known pod runs, or ran."""

_LONGEST_VALUE = 60
_LONGEST = 500
_NAMED_PODS = 3

# What a request came to is no part of the traffic: all failures have it, and nothing is learnt from that.
_OUTCOMES = re.compile(
    r"((http|grpc|rpc|response|request|server|exit|return)_)*"
    r"(status|code|flags|classification|outcome|result|success|error|exception|reason|failure|severity|level)"
    r"(_?(type|class|code|message|details))?"
)
# Nor are those who asked: names of people and of single requests have no place in a notice.
_SOMEONE = re.compile(
    r"(.*_)?(user|user_?id|user_?name|account|account_?id|customer|customer_?id|email|phone|session|session_?id|"
    r"token|ip|client_?(ip|id)|remote_?addr|trace_?id|span_?id|request_?id|x_request_id|correlation_?id|device_?id)"
)
_POD_NAMES = ("pod", "pod_name", "k8s_pod_name", "kubernetes_pod_name", "instance", "pod_template_hash")
_SCRAPED = frozenset(
    {*SCRAPE_LABELS, *_POD_NAMES, *(f"exported_{name}" for name in _POD_NAMES), "le", "__name__", "uid", "pod_uid"}
)


def breached(watch: Watch) -> tuple[Track, ...]:
    """The rules that have breached, whether that asked for a rollback or was only told."""
    names = (*watch.breached, *watch.noted)
    return tuple(track for name in dict.fromkeys(names) if (track := watch.track(name)) is not None and track.breach)


def with_slices(watch: Watch, slices: Iterable[Slice]) -> Watch:
    """The watch with what was found out of its rules; of each once."""
    known = {one.rule for one in watch.slices}
    return replace(watch, slices=(*watch.slices, *(one for one in slices if one.rule not in known)))


def counted(
    track: Track, lead: Sequence[Increase], bad: Sequence[Increase], telling: Collection[str]
) -> tuple[str, tuple[Cell, ...]]:
    """What failed means to the rule, and its requests told apart by their labels.

    Of a ratio the bad ones failed; of a histogram those that took longer than the limit, by its buckets. `telling` are
    labels that only tell how a request ended.
    """
    threshold = track.threshold
    limit = track.breach.evidence.limit if track.breach is not None else None
    if threshold is None or limit is None:
        return "", ()
    if isinstance(threshold.metric, RatioMetric):
        totals = [(one.labels, one.pod, 0.0, one.amount) for one in lead]
        failed = [(one.labels, one.pod, one.amount, 0.0) for one in bad]
        return "failures", _cells([*totals, *failed], telling, upward=threshold.op.upward)
    if not isinstance(threshold.metric, HistogramMetric) or not threshold.op.upward:
        return "", ()
    found = [
        (labels, pod, buckets)
        for pod, increases in _by_pod(lead)
        for labels, buckets in histograms(increases, threshold.metric.scale)
    ]
    bound = min((bound_above(buckets, limit) for _, _, buckets in found), default=math.inf)
    parts = [(labels, pod, slower_than(buckets, bound), buckets.total) for labels, pod, buckets in found]
    return f"requests slower than {number(bound, Dimension.SECONDS)}", _cells(parts, telling, upward=True)


def _cells(
    parts: Iterable[tuple[Mapping[str, str], str, float, float]], telling: Collection[str], *, upward: bool
) -> tuple[Cell, ...]:
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = {}
    for labels, pod, failed, all_ in parts:
        told = tuple(sorted((name, value) for name, value in labels.items() if _tells(name, telling)))
        counts = sums.setdefault((pod, told), [0.0, 0.0])
        counts[0] += failed
        counts[1] += all_
    return tuple(
        Cell(dict(told), pod, failed if upward else max(0.0, all_ - failed), all_)
        for (pod, told), (failed, all_) in sums.items()
        if all_ > 0.0
    )


def _by_pod(increases: Iterable[Increase]) -> Iterable[tuple[str, list[Increase]]]:
    pods: dict[str, list[Increase]] = {}
    for one in increases:
        pods.setdefault(one.pod, []).append(one)
    return pods.items()


def _tells(label: str, telling: Collection[str]) -> bool:
    """Whether a label tells parts of the traffic apart, by its name."""
    name = label.lower()
    if label in telling or name in _SCRAPED:
        return False
    return not _OUTCOMES.fullmatch(name) and not _SOMEONE.fullmatch(name)


def said_of(track: Track, what: str, located: Located, nodes: Nodes) -> Slice:
    """What is told of a rule whose requests were counted; the sentence is "" where there is nothing to say."""
    parts = []
    if located.by_label is not None:
        parts.append(f"{_share(located.by_label.of_failures)} of the {what} are {_named(located.by_label)}")
        parts[-1] += f" ({_share(located.by_label.of_traffic)} of the requests)"
    if located.by_pod is not None:
        chosen = [share.values[0] for share in located.by_pod.slices]
        verb = "has" if len(chosen) == 1 else "have"
        shares = f"{_share(located.by_pod.of_failures)} of the {what}"
        traffic = f"({_share(located.by_pod.of_traffic)} of the requests)"
        parts.append(f"{_count(chosen, located.pods)} {verb} {shares} {traffic}: {_names(chosen, nodes)}")
    elif located.alike:
        parts.append(_all_alike(located.pods))
    return _slice(track, "; ".join(parts))


def of_pods(watch: Watch, track: Track, nodes: Nodes) -> Slice:
    """What is told of a rule that looks at pods, by what the watch itself knows."""
    known = _over(watch, track)
    if known is None:
        return Slice(track.rule.name, "")
    chosen, pods = known
    if not chosen or pods < 2:
        return Slice(track.rule.name, "")
    if len(chosen) == pods:
        return _slice(track, _all_alike(pods))
    return _slice(track, f"{_count(chosen, pods)}: {_names(chosen, nodes)}")


def _over(watch: Watch, track: Track) -> tuple[Sequence[str], int] | None:
    """The pods that break the rule by themselves, and of how many; None where that is not known any more."""
    history, breach = track.history, track.breach
    match track.rule.check:
        case Probe(failures=failures) if history.probes is not None:
            streaks = history.probes.streaks
            return [one.pod for one in streaks if one.failures >= failures], len(streaks)
        case Signs(signs) if watch.pods is not None:
            living = watch.pods.pods
            return [pod.name for pod in living if any(pod.shows(sign, watch.pods.at) for sign in signs)], len(living)
        case Alerts() if breach is not None and watch.pods is not None:
            fired = [one.reading for one in history.blocks if one.end <= breach.at and isinstance(one.reading, Firing)]
            bearing = {pod for one in fired[-1:] for alert in one.alerts if alert.firing_since for pod in alert.pods}
            names = [pod.name for pod in watch.pods.pods]
            return sorted(bearing.intersection(names)), len(names)
        case _ if track.threshold is not None and breach is not None and breach.evidence.limit is not None:
            op, limit = track.threshold.op, breach.evidence.limit
            for block in history.blocks:
                if block.end == breach.at and isinstance(block.reading, PodValues):
                    values = block.reading.pods
                    return sorted(pod for pod, value in values.items() if pod and op.holds(value, limit)), len(values)
    return None


def _slice(track: Track, sentence: str) -> Slice:
    return Slice(track.rule.name, cut(sentence, _LONGEST))


def _all_alike(pods: int) -> str:
    return "both pods alike" if pods == 2 else f"all {pods} pods alike"


def _count(chosen: Sequence[str], pods: int) -> str:
    return f"{'one pod' if len(chosen) == 1 else f'{len(chosen)} pods'} of {pods}"


def _names(chosen: Sequence[str], nodes: Nodes) -> str:
    """The pods by name, and the node where they share one and not all of the others run there as well."""
    names = ", ".join(map(_clean, chosen[:_NAMED_PODS])) + (", ..." if len(chosen) > _NAMED_PODS else "")
    theirs = {nodes.get(pod, "") for pod in chosen}
    node = next(iter(theirs)) if len(theirs) == 1 else ""
    if not node or set(nodes.values()) == {node}:
        return names
    return f"{names}, {'' if len(chosen) == 1 else 'all '}on node {_clean(node)}"


def _named(carried: Carried) -> str:
    *others, last = [_value(carried.labels, share) for share in carried.slices]
    return f"{', '.join(others)} and {last}" if others else last


def _value(labels: Sequence[str], share: Share) -> str:
    """A slice as people know it: `POST /checkout`, else each label with its value."""
    endpoint = all(label in (*METHODS, *ROUTES) for label in labels)
    parts = []
    for label, value in zip(labels, share.values, strict=True):
        if not value:
            parts.append(f"without {_clean(label)}")
        else:
            parts.append(_clean(value) if label in (*METHODS, *ROUTES) else f"{_clean(label)} {_clean(value)}")
    return (" " if endpoint else ", ").join(parts)


def _clean(text: str) -> str:
    """Labels are other people's text."""
    return cut(printable(text[: _LONGEST_VALUE + 1]), _LONGEST_VALUE)


def _share(share: float) -> str:
    """A share in whole percent; only what is all or nothing is said to be that."""
    percent = round(share * 100)
    if percent == 0 and share > 0.0:
        return "under 1 %"
    if percent == 100 and share < 1.0 - 1e-9:
        return "over 99 %"
    return "all" if percent == 100 else f"{percent} %"
